"""What all peer programs share: problem strings, the allocator, timing, rows of results.

The peers do in PyTorch, in two ways, what `fleetnas bench` does:
  plain  as the published reference of MODNAS does it, waste included: NCHW, gates multiplied into whole feature maps, sums begun with
         zeros, weight gradients that nobody wants, files read again in every pass, memory given back to the system after every operator;
  tuned  what a user of PyTorch can do without another program: channels_last, memory kept, files read once. The arithmetic is the same.
"""
import ctypes
import functools
import os
import time

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8  # <malloc.h>


class ProblemError(Exception):
    """A problem string, or a file, that makes no sense: what is at fault."""


def keep_pages():
    """glibc's malloc never returns memory and takes all of it from one heap, also that of autograd's own thread. Before torch loads."""
    libc = ctypes.CDLL(None)
    for option, value in ((M_ARENA_MAX, 1), (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 64 << 20)):
        if not libc.mallopt(option, value):
            raise RuntimeError(f"mallopt({option}, {value}) failed")


@functools.lru_cache(maxsize=None)
def touch_heap(size):
    """After keep_pages: takes memory, writes to it and gives it back to the heap, so that no timed run meets pages for the first time.
    At most half of what the system has, and every size once."""
    size = min(size, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    block = libc.malloc(size)
    if block:
        ctypes.memset(block, 1, size)
        libc.free(block)


def set_threads(torch, threads):
    """PyTorch's own threads and those of the BLAS that Debian's libblas.so.3 stands for, where it is OpenBLAS."""
    torch.set_num_threads(threads)
    try:
        ctypes.CDLL("libblas.so.3").openblas_set_num_threads(threads)
    except (OSError, AttributeError):
        pass


def parse_problem(text, defaults):
    """ "NAME:key=value,..." with `defaults` {NAME: {key: value}}; a value becomes what its default is: int or str."""
    name, _, rest = text.partition(":")
    if name not in defaults:
        raise ProblemError(f'unknown problem "{name}": there are {", ".join(sorted(defaults))}')
    values = dict(defaults[name])
    for item in rest.split(",") if rest else []:
        key, equals, value = item.partition("=")
        if not equals or key not in values:
            raise ProblemError(f'problem {name}: "{item}" is not key=value with a key of {", ".join(values)}')
        if isinstance(values[key], int):
            if not value.isdigit() or int(value) == 0:
                raise ProblemError(f"problem {name}: {key}={value}: must be a whole number above 0")
            value = int(value)
        values[key] = value
    return name, values


# ---- memory: the peak since it was last forgotten, as Linux counts it ----

def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5\n")
    except OSError:
        pass


def peak_memory_mb():
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


# ---- time ----

REPEAT_MS = 50.0  # a repeat of something short lasts at least so long


class Timed:
    """A function that is run once before anything is timed, then as often in a repeat as a clock needs. warm: what is run before it is
    timed where a whole run would take too long."""

    def __init__(self, function, warm=None):
        self.function, self.warm, self.calls = function, warm, None

    def _run(self, calls):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            self.function()
        return (time.perf_counter() - wall) * 1e3 / calls, (time.process_time() - cpu) * 1e3 / calls

    def prepare(self):
        """The first run makes kernels and memory; how many fill a repeat is asked of the second."""
        self.calls = 1
        if self.warm:
            self.warm()
        elif self._run(1)[0] < 10 * REPEAT_MS:
            self.calls = max(1, round(REPEAT_MS / max(self._run(1)[0], 1e-3)))

    def repeat(self):
        if self.calls is None:
            self.prepare()
        return self._run(self.calls)


def row(problem, mode, threads, wall, cpu, peak, **more):
    return {"problem": problem, "mode": mode, "threads": threads, "wall_ms": wall, "cpu_ms": cpu, "peak_memory_mb": peak, **more}


def open_safetensors(path):
    """{name: (dtype, shape, bytes)} and the metadata. The format: 8 bytes of length, a JSON header, raw little-endian data."""
    import json

    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    if length > len(content) - 8:
        raise ProblemError(f"{path}: truncated, or not a safetensors file")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    data = content[8 + length :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if end > len(data):
            raise ProblemError(f'{path}: tensor "{name}" ends behind the end of the file')
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
    return tensors, metadata


def cache_folder():
    """Where the peers keep the files that the plain mode reads again and again."""
    folder = os.environ.get("FLEETNAS_PEER_FILES") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "bench", "peers"
    )
    os.makedirs(folder, exist_ok=True)
    return folder
