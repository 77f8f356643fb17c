#!/usr/bin/python3
"""Runs fleetnas and its peers in PyTorch on the same problems in one run, alternating: all of fleetnas, then plain, then tuned, round by
round. Called by scripts/run-benchmarks.sh; --help tells the options. Writes results.json and benchmarks.md."""
import argparse
import ctypes
import dataclasses
import datetime
import json
import mmap
import os
import platform
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEER = os.path.join(ROOT, "bench", "peers", "peer.py")
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's torch
SIDES = ("f32", "bf16", "plain", "tuned")


# ---- what is run ----

@dataclasses.dataclass
class Row:
    what: str
    threads: int
    ours: tuple  # problems of fleetnas; their times are added
    peer: str  # problem of the peers
    bf16: bool = False  # whether there is a variant of it
    images: int = 0  # in one run of ours: for images a second
    tokens: int = 0  # in one run: for words a second


@dataclasses.dataclass
class Group:
    name: str
    title: str
    rows: list
    share: float = 1.0  # of the rounds asked for


def pass_rows():
    rows = []
    for cell, what in (("mixed", "mixed cell"), ("conv3", "all 3x3"), ("conv1", "all 1x1"), ("pool", "all pooling"), ("skip", "all skip")):
        kinds = ("weights", "gates") if cell == "mixed" else ("weights",)
        for kind in kinds:
            name = f"pass:cell={cell},images=256,gradient={kind}"
            label = f"{what}, gradient of the {'weights' if kind == 'weights' else 'gates (a hypernetwork pass)'}"
            rows.append(Row(label, 1, (name,), name, True, 256))
    return rows


def subnet_rows():
    rows = []
    for arch, what in (("largest", "kernel 7, expansion 6, depth 4"), ("middle", "kernel 5, expansion 4, depth 3"), ("smallest", "kernel 3, expansion 3, depth 2")):
        for kind in ("weights", "gates") if arch == "middle" else ("weights",):
            name = f"subnet:arch={arch},resolution=160,images=32,gradient={kind}"
            rows.append(Row(f"{what}, gradient of the {kind}", 1, (name,), name, True, 32))
    return rows


def translator_rows():
    rows, name = [], "translator:task={},arch=middle,sentences={},words=30,vocabulary={},dropout=yes"
    for vocabulary in (8000, 32000):
        problem = name.format("training", 16, vocabulary)
        rows.append(Row(f"training step, 16 sentences of 30 words, {vocabulary:,} in the vocabulary", 1, (problem,), problem, tokens=480))
    for sentences in (16, 1):
        problem = name.format("decoding", sentences, 8000)
        what = f"{sentences} sentence{'s' * (sentences > 1)} of 30 words"
        rows.append(Row(f"{what}: encoding and 30 steps of the decoder, 8,000 in the vocabulary", 1, (problem,), problem, True, tokens=30 * sentences))
        problem = name.format("steps", sentences, 8000)
        rows.append(Row(f"{what}: 30 steps of the decoder alone, 8,000 in the vocabulary", 1, (problem,), problem, True, tokens=30 * sentences))
    return rows


def iteration_rows(threads):
    full = "iteration:cells=bench/cells-13.txt,images=256"
    return [
        Row("13 paths of 256 images, both updates", threads, (full + ",batch=full",), full, True, 13 * 512),
        Row("fleetnas' default: the 256 images shared out among the 13 paths", threads, (full + ",batch=shared",), full, True, 512),
    ]


def operator_rows():
    rows = []
    for channels, size, kernel in ((16, 32, 3), (32, 16, 3), (64, 8, 3), (16, 32, 1)):
        name = f"conv:images=256,in={channels},out={channels},size={size},kernel={kernel}"
        what = f"convolution {kernel}x{kernel}, {channels} channels @{size}"
        rows.append(Row(what + ", forward", 1, (name + ",direction=forward",), name + ",direction=forward", True))
        backward = (name + ",direction=data", name + ",direction=weights")
        rows.append(Row(what + ", backward", 1, backward, name + ",direction=backward", True))
    norm, pool = ("norm:images=256,channels=16,size=32", "pool:images=256,channels=16,size=32")
    forward = (norm + ",direction=statistics", norm + ",direction=forward")
    rows.append(Row("batch norm, 16 channels @32, forward", 1, forward, norm + ",direction=forward", True))
    rows.append(Row("batch norm, 16 channels @32, backward", 1, (norm + ",direction=backward",), norm + ",direction=backward", True))
    for way in ("forward", "backward"):
        rows.append(Row(f"average pool 3x3, 16 channels @32, {way}", 1, (f"{pool},direction={way}",), f"{pool},direction={way}", True))
    return rows


GROUPS = [
    Group("operators", "Operators, batch 256", operator_rows()),
    Group("step", "A step without a supernet", [Row("13 devices", 1, ("step:devices=13",), "step:devices=13")]),
    Group(
        "fronts",
        "Fronts",
        [Row("24 preferences on 19 devices", 1, ("fronts:preferences=24,devices=19",), "fronts:preferences=24,devices=19")],
    ),
    Group(
        "predictor-training",
        "Training the predictor",
        [
            Row("a step of 64, with its batch making", 1, ("predictor-training:batch=64",), "predictor-training:batch=64,making=yes"),
            Row("the same against PyTorch without batch making", 1, ("predictor-training:batch=64",), "predictor-training:batch=64,making=no"),
        ],
    ),
    Group("pass", "One pass of the supernet, batch 256 of 3x32x32, 16 channels, 5 cells a stage", pass_rows()),
    Group("subnet", "Sub-networks of MobileNetV3, width 1.2, batch 32 of 3x160x160", subnet_rows(), 0.6),
    Group("translator", "Sub-transformers of HAT's space0 (512 wide, 6 and 3 layers, feed-forward 2,048, 4 heads)", translator_rows()),
    Group("iteration", "A whole iteration, 13 devices, two threads", iteration_rows(2), 0.4),
    Group("iteration-1", "A whole iteration, 13 devices, one thread", iteration_rows(1), 0.2),
]

# Few images: with more, rounding turns so many ReLUs that gradients of no two programs agree (peers/compare.py). Few cells of skips: each
# doubles the maps twice, after five the sums of gradients cancel to less than rounding.
EQUALITY_SUBNETS = ("mixed,resolution=128,images=2", "largest,resolution=132,images=2")
# Even so every other draw of weights has a ReLU so near to zero that rounding decides, ours or PyTorch's own, and gradients are then 10^-2 from
# the exact ones: a draw in which ours decides none, so that what differs is computed wrongly.
SUBNET_SEED = 3
# Few words, for the same reason: of 10^5 hidden units one is then seldom undecided.
EQUALITY_TRANSLATORS = ("training,sentences=2,words=6,vocabulary=1000", "decoding,sentences=4,words=30,vocabulary=8000")
EQUALITY = ("mixed,images=16", "mixed,images=64", "conv3,images=2", "conv1,images=2", "pool,images=16", "skip,images=16,cells=1")


# ---- running ----

def say(text):
    print(text, file=sys.stderr, flush=True)


class Fleetnas:
    """Every call checks its problems and measures the machine before it times them, once each: rounds are several calls."""

    def __init__(self, program):
        self.program, self.machine, self.refused = program, None, {}

    def command(self, problems, threads, more=()):
        return [self.program, "bench", *problems, "--threads", str(threads), "--repeats", "1", "--json", *more]

    def call(self, problems, threads, more=()):
        """{problem: row of fleetnas}; a problem that it does not know is remembered and left out."""
        problems = [p for p in problems if p not in self.refused]
        if not problems:
            return {}
        done = subprocess.run(self.command(problems, threads, more), cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            report = json.loads(done.stdout)
            self.machine = max(self.machine or report["machine"], report["machine"], key=lambda m: m["peak_one_thread"]["f32_gflops"])
            return dict(zip(problems, report["problems"]))
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        if len(problems) == 1:
            self.refused[problems[0]] = reason
            say(f"left out: {problems[0]}: {reason}")
            return {}
        found = {}
        for problem in problems:
            found.update(self.call([problem], threads, more))
        return found


def blas_kernels():
    """Which kernels OpenBLAS picks by itself; None where the BLAS is another."""
    try:
        name = ctypes.CDLL("libblas.so.3").openblas_get_corename
    except (OSError, AttributeError):
        return None
    name.restype = ctypes.c_char_p
    return name().decode()


def blas_environment():
    """OpenBLAS falls back to kernels without AVX on a processor that is newer than itself: it is told what that one can do."""
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    if blas_kernels() not in ("Prescott", "Core2", "Nehalem"):
        return {}
    return {"OPENBLAS_CORETYPE": "SkylakeX"} if "avx512bw" in flags else {"OPENBLAS_CORETYPE": "Haswell"} if "avx2" in flags else {}


class Peer:
    """One process for all rounds: PyTorch takes seconds to load, and its memory is warm after the first."""

    def __init__(self, mode):
        self.mode = mode
        command = [PYTHON, PEER, "--" + mode, "--serve"]
        # As fast where nothing else runs, no disaster where something does.
        environment = {"GOMP_SPINCOUNT": "1000", **blas_environment(), **os.environ}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)

    def ask(self, problem, threads=1):
        self.process.stdin.write(json.dumps({"problem": problem, "threads": threads}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the peer {self.mode} ended (status {self.process.wait()}) while it ran {problem}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def as_bf16(problem):
    return problem + ",precision=bf16"


def add_times(times, side, walls_and_cpus, peak):
    entry = times.setdefault(side, {"wall_ms": [], "cpu_ms": [], "peak_memory_mb": None})
    entry["wall_ms"].append(sum(w for w, _ in walls_and_cpus))
    entry["cpu_ms"].append(sum(c for _, c in walls_and_cpus))
    if peak:
        entry["peak_memory_mb"] = max(entry["peak_memory_mb"] or 0, peak)


def round_of_fleetnas(fleetnas, rows, times, precision):
    wanted = [r for r in rows if precision == "f32" or r.bf16]
    spell = as_bf16 if precision == "bf16" else str
    for threads in sorted({r.threads for r in wanted}):
        mine = [r for r in wanted if r.threads == threads]
        problems = list(dict.fromkeys(spell(p) for r in mine for p in r.ours))
        found = fleetnas.call(problems, threads)
        for row in mine:
            parts = [found.get(spell(p)) for p in row.ours]
            if all(parts):
                peak = max(p.get("peak_memory_mb", 0) for p in parts)
                add_times(times[row.what], precision, [(p["wall_ms"]["median"], p["cpu_ms"]["median"]) for p in parts], peak)


def round_of_peer(peer, rows, times):
    answers = {}
    for row in rows:
        key = (row.peer, row.threads)
        if key not in answers:
            answers[key] = peer.ask(*key)
        answer = answers[key]
        peak = answer["peak_memory_mb"] if peer.mode == "plain" else None  # tuned keeps that of earlier problems
        add_times(times[row.what], peer.mode, list(zip(answer["wall_ms"], answer["cpu_ms"])), peak)


def run_group(group, rounds, fleetnas, peers):
    rounds = max(1, round(rounds * group.share))
    times = {row.what: {} for row in group.rows}
    for number in range(rounds):
        say(f"{group.name}: round {number + 1} of {rounds}")
        for precision in ("f32", "bf16"):
            round_of_fleetnas(fleetnas, group.rows, times, precision)
        for peer in peers:
            round_of_peer(peer, group.rows, times)
    for peer in peers:
        peer.ask(None)
    return {"name": group.name, "title": group.title, "rounds": rounds, "rows": [result_of(r, times[r.what], fleetnas) for r in group.rows]}


def result_of(row, times, fleetnas):
    missing = {}
    if row.bf16 and "bf16" not in times:
        missing["bf16"] = next((fleetnas.refused[as_bf16(p)] for p in row.ours if as_bf16(p) in fleetnas.refused), "not run")
    if "f32" not in times:
        missing["f32"] = next((fleetnas.refused[p] for p in row.ours if p in fleetnas.refused), "not run")
    return {**dataclasses.asdict(row), "sides": times, "left_out": missing}


# ---- equality ----

def run_equality(fleetnas, folder):
    """Loss, logits and gradients of the same weights and images on both sides; exits where they differ."""
    lines = []
    path = os.path.join(folder, "pass.safetensors")
    problems = [(f"pass:cell={which},gradient=both", 0) for which in EQUALITY]
    problems += [(f"subnet:arch={which},gradient=both", SUBNET_SEED) for which in EQUALITY_SUBNETS]
    problems += [(f"translator:task={which}", 0) for which in EQUALITY_TRANSLATORS]
    for problem, seed in problems:
        if not fleetnas.call([problem], 1, ("--quick", "--seed", str(seed), "--dump", path)):
            raise SystemExit(f"equality: fleetnas does not run {problem}: {fleetnas.refused[problem]}")
        done = subprocess.run([PYTHON, PEER, "--compare", path], capture_output=True, text=True, check=False)
        say(f"equality: {problem}: {done.stdout.strip()}{done.stderr.strip()}")
        if done.returncode:
            raise SystemExit("equality: fleetnas and PyTorch differ")
        lines.append({"problem": problem, "text": done.stdout.strip()})
    return lines


# ---- the machine ----

def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def package_version(name):
    return first_line(["dpkg-query", "-W", "-f=${Version}", name])


def page_fault_us():
    """What it costs to touch memory that the system has just given: plain PyTorch does it for every large result."""
    libc, size, best = ctypes.CDLL(None, use_errno=True), 64 << 20, float("inf")
    for _ in range(3):
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        begin = time.process_time()
        libc.memset(ctypes.c_void_p(address), 1, ctypes.c_size_t(size))
        middle = time.process_time()
        libc.memset(ctypes.c_void_p(address), 1, ctypes.c_size_t(size))
        best = min(best, 2 * middle - begin - time.process_time())
    return best * 1e6 / (size / mmap.PAGESIZE)


def describe(fleetnas, peers):
    """Ceilings as both sides reach them: of PyTorch a matrix product and a convolution without reorders, on one thread."""
    plain, tuned = peers
    size, flops = 2048, 2 * 256 * 64 * 64 * 64 * 9
    product = min(plain.ask(f"sgemm:size={size}")["cpu_ms"][0] for _ in range(3))
    conv = min(tuned.ask("conv:images=256,in=64,out=64,size=8,kernel=3,direction=forward")["cpu_ms"][0] for _ in range(3))
    with open("/proc/cpuinfo") as file:
        info = dict(line.split(":", 1) for line in file if ":" in line)
    info = {key.strip(): value.strip() for key, value in info.items()}
    return {
        "processor": info.get("model name", platform.processor()),
        "family": info.get("cpu family"),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "date": datetime.date.today().isoformat(),
        "load_at_start": os.getloadavg()[0],
        "fleetnas": first_line([fleetnas.program, "version"]),
        "commit": first_line(["git", "-C", ROOT, "describe", "--always", "--dirty"]),
        "python3-torch": package_version("python3-torch"),
        "libdnnl2": package_version("libdnnl2"),
        "blas_kernels": {**blas_environment(), **os.environ}.get("OPENBLAS_CORETYPE") or blas_kernels() or "unknown",
        "blas": os.path.realpath("/etc/alternatives/libblas.so.3-x86_64-linux-gnu"),
        "fleetnas_ceilings": fleetnas.machine,
        "page_fault_us": page_fault_us(),
        "pytorch_product_gflops": 2 * size**3 / product / 1e6,
        "pytorch_convolution_gflops": flops / conv / 1e6,
    }


# ---- tables ----

def number(ms):
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.3g}"


def cell_of(entry):
    if not entry:
        return "-"
    walls = entry["wall_ms"]
    text = number(statistics.median(walls))
    return text if len(walls) == 1 else f"{text} ({number(min(walls))} to {number(max(walls))})"


def ratio(row, slow, fast):
    sides = row["sides"]
    if slow not in sides or fast not in sides:
        return "-"
    value = statistics.median(sides[slow]["wall_ms"]) / statistics.median(sides[fast]["wall_ms"])
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def time_table(group):
    lines = [f"**{group['title']}** ({group['rounds']} round{'s' * (group['rounds'] > 1)})", ""]
    lines.append("| ms: median (least to most) | fleetnas f32 | bf16 | PyTorch plain | tuned | plain : f32 | tuned : f32 | plain : bf16 | tuned : bf16 |")
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for row in group["rows"]:
        times = [cell_of(row["sides"].get(side)) for side in SIDES]
        ratios = [ratio(row, slow, fast) for fast in ("f32", "bf16") for slow in ("plain", "tuned")]
        lines.append("| " + " | ".join([row["what"], *times, *ratios]) + " |")
    return lines + [""]


def memory_table(results):
    rows = [(g, r) for g in results["groups"] for r in g["rows"] if g["name"].startswith(("pass", "subnet", "iteration"))]
    rows = [(g, r) for g, r in rows if any((e.get("peak_memory_mb") or 0) > 0 for e in r["sides"].values())]
    if not rows:
        return []
    lines = ["**Peak memory of the process, MB, and images a second**", ""]
    lines.append("| | threads | f32, MB | bf16, MB | plain, MB | f32, images/s | bf16, images/s |")
    lines.append("|---|---|---|---|---|---|---|")
    for _, row in rows:
        sides = row["sides"]
        memory = [f"{sides[s]['peak_memory_mb']:,.0f}" if (sides.get(s) or {}).get("peak_memory_mb") else "-" for s in SIDES[:3]]
        speed = [f"{row['images'] / statistics.median(sides[s]['wall_ms']) * 1e3:,.0f}" if s in sides else "-" for s in SIDES[:2]]
        lines.append("| " + " | ".join([row["what"], str(row["threads"]), *memory, *speed]) + " |")
    return lines + [""]


def token_table(results):
    rows = [r for g in results["groups"] for r in g["rows"] if r["tokens"]]
    if not rows:
        return []
    lines = ["**Words a second, by the least processor time of each side**", ""]
    lines.append("| | f32 | bf16 | PyTorch plain | tuned | f32 : plain | f32 : tuned | bf16 : plain | bf16 : tuned |")
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        speed = {s: row["tokens"] / min(e["cpu_ms"]) * 1e3 for s, e in row["sides"].items()}
        cells = [f"{speed[s]:,.0f}" if s in speed else "-" for s in SIDES]
        cells += [f"{speed[a] / speed[b]:.3g}" if a in speed and b in speed else "-" for a in SIDES[:2] for b in SIDES[2:]]
        lines.append("| " + " | ".join([row["what"], *cells]) + " |")
    return lines + [""]


def command_table(results):
    lines = ["**Commands**", ""]
    lines.append("| | `fleetnas bench ... --threads N` | `bench/peers/peer.py --plain` or `--tuned`, `... --threads N` | N |")
    lines.append("|---|---|---|---|")
    for group in results["groups"]:
        for row in group["rows"]:
            ours = " ".join(f"`{p}`" for p in row["ours"])
            lines.append(f"| {group['name']}: {row['what']} | {ours} | `{row['peer']}` | {row['threads']} |")
    return lines + [""]


def machine_lines(machine):
    ceilings = machine["fleetnas_ceilings"]
    peak = ceilings["peak_one_thread"] if ceilings else None
    lines = [f"{machine['date']}, {machine['cores']} cores of {machine['processor']} (family {machine['family']}), {machine['system']}."]
    lines.append(f"{machine['fleetnas']} at {machine['commit']}, libdnnl2 {machine['libdnnl2']}, python3-torch {machine['python3-torch']},"
                 f" BLAS of PyTorch: `{machine['blas']}` with kernels for {machine['blas_kernels']}.")
    lines.append(f"The first touch of a page of memory costs {machine['page_fault_us']:.2g} us.")
    if peak:
        lines.append(f"One thread: f32 {peak['f32_gflops']:.0f} GFLOP/s, copies {peak['copy_memory_gbps']:.0f} GB/s as fleetnas measures them;"
                     f" PyTorch reaches {machine['pytorch_product_gflops']:.0f} GFLOP/s in a matrix product,"
                     f" {machine['pytorch_convolution_gflops']:.0f} in a convolution.")
    return lines + [""]


def markdown(results):
    lines = machine_lines(results["machine"])
    for group in results["groups"]:
        lines += time_table(group)
    lines += memory_table(results) + token_table(results)
    left_out = sorted({f"{side}: {reason}" for g in results["groups"] for r in g["rows"] for side, reason in r["left_out"].items()})
    lines += [f"Left out: {line}" for line in left_out] + [""] * bool(left_out)
    if results["equality"]:
        lines += ["**Equality**, relative to the largest magnitude of each tensor", ""]
        lines += [f"- `{line['problem']}`: {line['text']}" for line in results["equality"]] + [""]
    return "\n".join(lines + command_table(results))


BEGIN, END = "<!-- begin: scripts/run-benchmarks.sh --write-docs -->", "<!-- end -->"


def write_docs(table):
    path = os.path.join(ROOT, "docs", "benchmarks.md")
    with open(path) as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(path, "w") as file:
        file.write(f"{before}{BEGIN}\n\n{table}\n{END}{after}")


# ---- all ----

def chosen_groups(words):
    names = [g.name for g in GROUPS]
    for word in words:
        if word not in names and word != "equality":
            raise SystemExit(f'unknown part "{word}": there are equality, {", ".join(names)}')
    return [g for g in GROUPS if not words or g.name in words]


def run_all(options):
    groups, folder = chosen_groups(options.only), os.path.join(options.build, "bench")
    os.makedirs(folder, exist_ok=True)
    os.environ["FLEETNAS_PEER_FILES"] = os.path.join(folder, "peers")
    fleetnas = Fleetnas(os.path.join(options.build, "fleetnas"))
    equality = run_equality(fleetnas, folder) if not options.only or "equality" in options.only else []
    peers = [Peer("plain"), Peer("tuned")]
    machine = describe(fleetnas, peers)
    results = {"machine": machine, "equality": equality, "groups": []}
    for group in groups:
        results["groups"].append(run_group(group, options.rounds, fleetnas, peers))
        machine["fleetnas_ceilings"] = fleetnas.machine
        keep(options, results)  # a whole run takes long: what is done is not lost when it is stopped
    for peer in peers:
        peer.close()
    return results


def keep(options, results):
    os.makedirs(options.output, exist_ok=True)
    with open(os.path.join(options.output, "results.json"), "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    with open(os.path.join(options.output, "benchmarks.md"), "w") as file:
        file.write(markdown(results))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="folder with the command")
    parser.add_argument("--output", required=True, help="folder for results.json and benchmarks.md")
    parser.add_argument("--rounds", type=int, default=5, help="of what is short; whole iterations get 0.4 (two threads) and 0.2 of that")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("only", nargs="*", metavar="PART", help="equality, " + ", ".join(g.name for g in GROUPS) + " [all]")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    results = run_all(options)
    keep(options, results)
    table = markdown(results)
    print(table)
    if options.write_docs:
        write_docs(table)


if __name__ == "__main__":
    main()
