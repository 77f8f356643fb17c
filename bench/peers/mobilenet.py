"""Sub-networks of Once-for-All's MobileNetV3 in PyTorch, by the names of fleetnas' shared weights (Cai et al. 2020; Howard et al. 2019)."""
import json
import re

import torch
from torch.nn import functional

from common import ProblemError, Timed, touch_heap

KERNELS, EXPANSIONS, DEPTHS = (3, 5, 7), (3, 4, 6), (2, 3, 4)
RESOLUTIONS = tuple(range(128, 225, 4))
STAGES, SLOTS = 5, 4  # slots of a stage
BASE_CHANNELS = {"stem": 16, "stages": (24, 40, 80, 112, 160), "last": 960, "mix": 1280}
STRIDES = (2, 2, 2, 1, 2)
SQUEEZES = (False, True, False, True, True)
HARD_SWISHES = (False, False, True, True, True)
EPSILON = 1e-5


def rounded(channels):
    """To a multiple of 8, and never to less than nine tenths."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def alike(kernel, expansion, depth, resolution):
    return {"ks": [kernel] * STAGES * SLOTS, "e": [expansion] * STAGES * SLOTS, "d": [depth] * STAGES, "r": resolution}


def mixed(resolution):
    """The covering network that fleetnas calls mixed: each slot has a pair of its own."""
    pairs = [(5 + 4 * slot) % 9 for slot in range(STAGES * SLOTS)]
    return {"ks": [KERNELS[p // 3] for p in pairs], "e": [EXPANSIONS[p % 3] for p in pairs], "d": [4] * STAGES, "r": resolution}


def named_arch(word, resolution):
    arches = {"largest": alike(7, 6, 4, resolution), "middle": alike(5, 4, 3, resolution), "smallest": alike(3, 3, 2, resolution)}
    arches["mixed"] = mixed(resolution)
    if word not in arches:
        raise ProblemError(f"arch={word}: there are {', '.join(arches)}")
    return arches[word]


class Subnet:
    """A network's blocks, and the slices that they take of the shared weights: first outputs and inputs, transformed kernels."""

    def __init__(self, arch, width):
        channels = BASE_CHANNELS
        self.arch = arch
        self.stem = rounded(channels["stem"] * width)
        self.last, self.mix = rounded(channels["last"] * width), rounded(channels["mix"] * width)
        self.stages = [rounded(c * width) for c in channels["stages"]]
        self.units = []
        before = self.stem
        for stage, out in enumerate(self.stages):
            for unit in range(arch["d"][stage]):
                self.units.append(self.unit(stage, unit, before, out))
                before = out

    def unit(self, stage, unit, before, out):
        slot = SLOTS * stage + unit
        return {
            "prefix": f"stage{stage}.unit{unit}.",
            "slot": slot,
            "stage": stage,
            "out": out,
            "middle": before * self.arch["e"][slot],
            "kernel": self.arch["ks"][slot],
            "stride": 1 if unit else STRIDES[stage],
            "skip": unit > 0,
            "last": unit + 1 == self.arch["d"][stage],
            "squeeze": SQUEEZES[stage],
            "hard_swish": HARD_SWISHES[stage],
        }

    # ---- weights ----

    @staticmethod
    def transformed(full, prefix, kernel, channels):
        """7x7 to 5x5 to 3x3: the centre as a vector, times a matrix whose rows are outputs."""
        weight = full[prefix + "depthwise"][:channels]
        for size in (5, 3):
            if kernel > size or prefix == "first.":
                continue
            border = (weight.shape[2] - size) // 2
            centre = weight[:, :, border : border + size, border : border + size].reshape(channels, size * size)
            weight = (centre @ full[f"{prefix}depthwise.transform{size}"].T).reshape(channels, 1, size, size)
        return weight

    def slices(self, full):
        """{name: tensor} of what the network uses, by the names of the shared weights."""
        used = {}

        def take_norm(name, count):
            for part in (".gamma", ".beta"):
                used[name + part] = full[name + part][:count]

        def take(name, out, inputs=None):
            used[name] = full[name][:out] if inputs is None else full[name][:out, :inputs]
            take_norm(name, out)

        take("stem.conv", self.stem)
        take("first.depthwise", self.stem)
        take("first.project", self.stem)
        before = self.stem
        for u in self.units:
            prefix, middle = u["prefix"], u["middle"]
            take(prefix + "expand", middle, before)
            used[prefix + "depthwise"] = self.transformed(full, prefix, u["kernel"], middle)
            take_norm(prefix + "depthwise", middle)
            take(prefix + "project", u["out"], middle)
            if u["squeeze"]:
                reduced = rounded(middle // 4)
                used[prefix + "reduce"], used[prefix + "excite"] = full[prefix + "reduce"][:reduced, :middle], full[prefix + "excite"][:middle, :reduced]
                used[prefix + "reduce.bias"], used[prefix + "excite.bias"] = full[prefix + "reduce.bias"][:reduced], full[prefix + "excite.bias"][:middle]
            before = u["out"]
        take("head.last", self.last)
        for name in ("head.mix", "head.classifier", "head.classifier.bias"):
            used[name] = full[name]
        return used

    def draw(self, classes, memory_format):
        """Weights of this network alone, each a leaf, as if it were trained by itself: nothing is sliced in a pass."""
        shapes = {"head.mix": (self.mix, self.last, 1, 1), "head.classifier": (classes, self.mix), "head.classifier.bias": (classes,)}

        def norm(name, count):
            shapes[name + ".gamma"] = shapes[name + ".beta"] = (count,)

        def conv(name, out, inputs, kernel):
            shapes[name] = (out, inputs, kernel, kernel)
            norm(name, out)

        conv("stem.conv", self.stem, 3, 3)
        conv("first.depthwise", self.stem, 1, 3)
        conv("first.project", self.stem, self.stem, 1)
        before = self.stem
        for u in self.units:
            prefix, middle, reduced = u["prefix"], u["middle"], rounded(u["middle"] // 4)
            conv(prefix + "expand", middle, before, 1)
            conv(prefix + "depthwise", middle, 1, u["kernel"])
            conv(prefix + "project", u["out"], middle, 1)
            if u["squeeze"]:
                shapes.update({prefix + "reduce": (reduced, middle, 1, 1), prefix + "reduce.bias": (reduced,)})
                shapes.update({prefix + "excite": (middle, reduced, 1, 1), prefix + "excite.bias": (middle,)})
            before = u["out"]
        conv("head.last", self.last, before, 1)
        drawn = {}
        for name, shape in shapes.items():
            fan_in = max(1, torch.Size(shape[1:]).numel())
            tensor = torch.ones(shape) if name.endswith("gamma") else (2 * torch.rand(shape) - 1) / fan_in**0.5
            if tensor.dim() == 4:
                tensor = tensor.contiguous(memory_format=memory_format)
            drawn[name] = tensor.requires_grad_()
        return drawn

    # ---- forward ----

    def forward(self, weights, images, gates=None):
        """gates: {decision: the selected entry}, multiplied where fleetnas has its sites; None: nowhere."""

        def gated(x, *decisions):
            for decision in decisions if gates else ():
                x = x * gates[decision]
            return x

        def normed(x, name, stride=1, groups=1):
            weight = weights[name]
            x = functional.conv2d(x, weight, None, stride, weight.shape[2] // 2, 1, groups)
            return functional.batch_norm(x, None, None, weights[name + ".gamma"], weights[name + ".beta"], True, 0.1, EPSILON)

        def activated(x, hard_swish):
            return functional.hardswish(x, inplace=True) if hard_swish else functional.relu(x, inplace=True)

        def excited(x, prefix):
            y = x.mean((2, 3), keepdim=True)
            y = functional.relu(functional.conv2d(y, weights[prefix + "reduce"], weights[prefix + "reduce.bias"]), inplace=True)
            y = functional.conv2d(y, weights[prefix + "excite"], weights[prefix + "excite.bias"])
            return x * functional.hardsigmoid(y, inplace=True)

        x = activated(gated(normed(images, "stem.conv", 2), "r"), True)
        x = x + normed(activated(normed(x, "first.depthwise", 1, self.stem), False), "first.project")
        for u in self.units:
            prefix, k, e, d = u["prefix"], f"ks{u['slot']}", f"e{u['slot']}", f"d{u['stage']}"
            y = activated(gated(normed(x, prefix + "expand"), *([e] if u["hard_swish"] else [])), u["hard_swish"])
            y = normed(y, prefix + "depthwise", u["stride"], u["middle"])
            y = activated(gated(y, *([k, e] if u["hard_swish"] or u["squeeze"] else [])), u["hard_swish"])
            if u["squeeze"]:
                y = excited(y, prefix)
            y = gated(normed(y, prefix + "project"), k, e, *([d] if u["last"] else []))
            x = x + y if u["skip"] else y
        x = activated(normed(x, "head.last"), True).mean((2, 3), keepdim=True)
        x = activated(functional.conv2d(x, weights["head.mix"]), True).flatten(1)
        return functional.linear(x, weights["head.classifier"], weights["head.classifier.bias"])


# ---- as fleetnas writes them ----

def width_of(spec):
    found = re.match(r"mobilenetv3:width=([0-9.]+)", spec)
    if not found:
        raise ProblemError(f'space "{spec}" is not mobilenetv3')
    return float(found.group(1))


def subnet_of(spec, text):
    return Subnet(json.loads(text), width_of(spec))


def decisions(arch):
    """{name: (choices, selected)}, in the order of fleetnas' one-hot."""
    found = {"r": (RESOLUTIONS, arch["r"])}
    found.update({f"d{s}": (DEPTHS, arch["d"][s]) for s in range(STAGES)})
    found.update({f"ks{s}": (KERNELS, arch["ks"][s]) for s in range(STAGES * SLOTS)})
    found.update({f"e{s}": (EXPANSIONS, arch["e"][s]) for s in range(STAGES * SLOTS)})
    return found


# ---- passes ----

HEAP_BYTES_AN_IMAGE = 96 << 20  # of the largest network at the largest resolution
CLASSES = 1000


class SubnetPass:
    """Forward and backward of a network alone: gradients of its weights, or of the entries that are selected."""

    def __init__(self, tuned, arch, width, images, kind):
        if tuned:
            touch_heap(HEAP_BYTES_AN_IMAGE * images)
        layout = torch.channels_last if tuned else torch.contiguous_format
        self.net = Subnet(arch, width)
        self.weights = self.net.draw(CLASSES, layout)
        for tensor in self.weights.values():
            tensor.requires_grad_(kind != "gates")
        self.gates = {d: torch.ones((), requires_grad=True) for d in decisions(arch)} if kind != "weights" else None
        self.images = torch.randn(images, 3, arch["r"], arch["r"]).contiguous(memory_format=layout)
        self.labels = torch.randint(CLASSES, (images,))

    def run(self):
        for tensor in [*self.weights.values(), *(self.gates or {}).values()]:
            if tensor.grad is not None:
                tensor.grad.zero_()
        functional.cross_entropy(self.net.forward(self.weights, self.images, self.gates), self.labels).backward()


def make_subnet(mode, values):
    arch = named_arch(values["arch"], values["resolution"])
    work = SubnetPass(mode == "tuned", arch, float(values["width"]), values["images"], values["gradient"])
    return Timed(work.run)


# ---- comparing a dump ----

BOUND = 1e-3
CHANCE = 4  # of two runs in single precision, each of which has turned some ReLUs
LEAST = 1e-3  # a tensor counts as no shorter than this part of the longest: what norms take away again is rounding


def computed(tensors, metadata, dtype):
    """{name: loss, logits, gradients by the names of a dump} in a precision, with the whole shared weights as leaves."""
    net = subnet_of(metadata["space"], metadata["arch"])
    full = {n[10:]: t.to(dtype).requires_grad_() for n, t in tensors.items() if n.startswith("parameter/")}
    names = decisions(net.arch)
    gates = {d: torch.ones((), dtype=dtype, requires_grad=True) for d in names}
    logits = net.forward(net.slices(full), tensors["images"].to(dtype), gates)
    loss = functional.cross_entropy(logits, tensors["labels"].long())
    loss.backward()
    found = {"gradient/" + n: (torch.zeros_like(t) if t.grad is None else t.grad).double() for n, t in full.items()}
    rows = [[0.0 if c != selected or gates[d].grad is None else gates[d].grad.item() for c in choices] for d, (choices, selected) in names.items()]
    found["gate_gradient"] = torch.tensor([x for row in rows for x in row], dtype=torch.float64)
    found.update({"loss": loss.detach().double().reshape(1), "logits": logits.detach().double()})
    return found


def differences(ours, exact):
    """{name: length of the difference over that of the exact tensor}"""
    longest = max(t.norm().item() for n, t in exact.items() if n.startswith("gradient/"))
    least = {n: LEAST * longest if n.startswith("gradient/") else 0.0 for n in exact}
    return {n: ((ours[n].double().reshape(t.shape) - t).norm() / max(t.norm().item(), least[n])).item() for n, t in exact.items() if n in ours}


def compare(tensors, metadata):
    """Prints how far a dump is from the exact pass; 1 where that is more than BOUND and than PyTorch itself is in single precision."""
    exact = computed(tensors, metadata, torch.float64)
    ours, peers = differences(tensors, exact), differences(computed(tensors, metadata, torch.float32), exact)
    failed = {n: d for n, d in ours.items() if not d <= max(BOUND, CHANCE * peers[n])}
    gradients = [n for n in ours if n.startswith("gradient/")]
    worst = f"; worst of {len(gradients)} gradients {max(ours[n] for n in gradients):.2g}, PyTorch's own {max(peers[n] for n in gradients):.2g}" if gradients else ""
    gates = f"; gates {ours['gate_gradient']:.2g}" if "gate_gradient" in ours else ""
    print(f"{metadata['arch']}, {len(tensors['labels'])} images: loss {ours['loss']:.2g}, logits {ours['logits']:.2g}{worst}{gates}")
    return failed
