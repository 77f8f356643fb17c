"""Computes anew, in PyTorch, what a dump of `fleetnas bench pass:... --dump FILE` holds, and compares loss, logits and gradients.

A ReLU whose input lies within rounding of zero passes a gradient in one computation and not in another. In batches of many images there
are always some, and one such element out of 10^5 changes the gradients of all layers before it by more than 10^-3: two runs of PyTorch,
in two layouts, differ by as much. So the peer computes in double precision, lists the undecided inputs (those nearer to zero than a few
times the error that single precision makes there), and where the gradients differ asks which of them fleetnas had on the other side.
Every one is a known element of a known map; with them on that side the gradients must agree. What cannot be explained so fails.
"""
import statistics
import sys

import torch
from torch.nn import functional

import mobilenet
import supernet
import translations
from cells import parse_cell
from common import ProblemError, open_safetensors

BOUND = 1e-3
TYPES = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32, "I64": torch.int64, "U8": torch.uint8}


def read_tensors(path):
    entries, metadata = open_safetensors(path)
    tensors = {}
    for name, (dtype, shape, data) in entries.items():
        if dtype not in TYPES:
            raise ProblemError(f'{path}: tensor "{name}" is of type {dtype}')
        tensors[name] = torch.frombuffer(bytearray(data), dtype=TYPES[dtype]).reshape(shape) if data else torch.empty(shape)
    return tensors, metadata


def load_parameters(net, tensors, path):
    names = net.named_as_fleetnas()
    for name, parameter in names.items():
        dumped = tensors.get("parameter/" + name)
        if dumped is None or list(dumped.shape) != list(parameter.shape):
            raise ProblemError(f'{path}: tensor "parameter/{name}" is missing or not of shape {list(parameter.shape)}')
        with torch.no_grad():
            parameter.copy_(dumped)
    unknown = {n[10:] for n in tensors if n.startswith("parameter/")} - set(names)
    if unknown:
        raise ProblemError(f"{path}: parameters that this supernet lacks: {', '.join(sorted(unknown))}")
    return names


def net_for(tensors, tuned):
    """The supernet whose parameters the dump holds: its shape is read off their names and shapes."""
    stem, head = tensors["parameter/stem.weight"], tensors["parameter/head.weight"]
    cells = 1 + max(int(name.split(".cell")[1].split(".")[0]) for name in tensors if ".cell" in name)
    return supernet.make_supernet(tuned, channels=stem.shape[0], cells=cells, classes=head.shape[0], inputs=stem.shape[1])


def cell_of(metadata, path):
    if "arch" not in metadata:
        raise ProblemError(f'{path}: its metadata name no "arch"')
    return parse_cell(metadata["arch"])


# ---- ReLUs whose side is recorded and can be changed ----

class Rectifier:
    """Takes the place of supernet.relu. Nodes that feed several convolutions are rectified once, as fleetnas does."""

    def __init__(self):
        self.inputs, self.masks, self.places = [], [], {}

    def __call__(self, x):
        if id(x) not in self.places:
            self.places[id(x)] = len(self.inputs)
            self.inputs.append(x)  # keeps it alive, and its id its own
            self.masks.append(x.detach() > 0)
        return Rectified.apply(x, self.masks[self.places[id(x)]])


class Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, mask):
        ctx.mask = mask  # the recorded one itself: what is changed there changes later backward passes
        return x * mask

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.mask, None


class Recomputation:
    """The pass of a dump in a precision, with its graph kept for several backward passes."""

    def __init__(self, path, tensors, metadata, tuned, dtype):
        layout = torch.channels_last if tuned else torch.contiguous_format
        self.net = net_for(tensors, tuned)
        self.names = load_parameters(self.net, tensors, path)
        self.net.to(dtype)
        self.gates = supernet.one_hot(cell_of(metadata, path)).to(dtype).requires_grad_()
        self.rectifier = supernet.relu = Rectifier()
        self.logits = self.net(tensors["images"].to(dtype).contiguous(memory_format=layout), self.gates)
        self.loss = functional.cross_entropy(self.logits, tensors["labels"].long())

    def gradients(self):
        """{name in the dump: gradient, in double precision}"""
        self.net.zero_grad(set_to_none=True)
        self.gates.grad = None
        self.loss.backward(retain_graph=True)
        zero = torch.zeros_like
        found = {"gradient/" + n: (zero(p) if p.grad is None else p.grad).detach().double() for n, p in self.names.items()}
        found["gate_gradient"] = self.gates.grad.double().flip(1).flatten()  # fleetnas' operations are in reverse order
        return found

    def rectified(self):
        """The inputs of all ReLUs, without the graph."""
        return [x.detach() for x in self.rectifier.inputs]


MARGIN = 2  # times the largest error of single precision in a map
WORK_MOST = 2000  # images times undecided ReLUs: each is one backward pass
CHANCE = 4  # of two runs' medians, where each has turned a handful of ReLUs that matter


def undecided(exact, single):
    """[(map, element)]: inputs of ReLUs that single precision can put on either side of zero, nearest first."""
    found = []
    for index, (x, y) in enumerate(zip(exact, single)):
        error = (x - y.double()).abs().max()
        near = (x.abs() <= MARGIN * error) & ((x != 0) | (y != 0))
        found += [((x[tuple(p)].abs() / error).item(), index, tuple(p)) for p in near.nonzero().tolist()]
    return [(index, place) for _, index, place in sorted(found)]


def flip(exact, place):
    index, element = place
    exact.rectifier.masks[index][element] = ~exact.rectifier.masks[index][element]


# ---- comparing ----

def scale_of(name, gradients):
    """The largest magnitude of a tensor; of a shift that a later normalisation takes away again the exact gradient is zero, and what is
    there is rounding: of the size of its kernel's."""
    kernel = {"bias": "weight", "beta_a": "weight_a", "beta_b": "weight_b"}.get(name.rpartition(".")[2])
    beside = gradients.get(f"{name.rpartition('.')[0]}.{kernel}")
    own = gradients[name].abs().max().item()
    return own if beside is None else max(own, beside.abs().max().item())


def relative_differences(ours, theirs):
    """{name: largest difference, relative to the scale of the tensor}"""
    found = {}
    for name in theirs.keys() & ours.keys():
        scale = scale_of(name, theirs)
        difference = (ours[name].double().reshape(theirs[name].shape) - theirs[name]).abs().max().item()
        found[name] = difference / scale if scale > 0 else difference
    return found


def other_sides(exact, candidates, ours, theirs):
    """Which of the undecided ReLUs fleetnas had on the other side: least squares over what each alone changes, taken where its share is
    above a half. Every tensor counts alike, whatever its scale."""
    names = [n for n in theirs if n in ours and not n.endswith(".bias")]
    scales = {n: theirs[n].abs().max().clamp_min(1e-30) for n in names}

    def vector(values):
        return torch.cat([(values[n].double().reshape(theirs[n].shape) / scales[n]).flatten() for n in names])

    base = vector(theirs)
    columns = []
    for place in candidates:
        flip(exact, place)
        columns.append(vector(exact.gradients()) - base)
        flip(exact, place)
    matrix = torch.stack(columns, dim=1)
    shares = torch.linalg.lstsq(matrix, (vector(ours) - base).unsqueeze(1), driver="gelsd").solution.squeeze(1)
    return [place for place, share in zip(candidates, shares.tolist()) if share > 0.5]


def explain(exact, candidates, ours, theirs):
    """Gradients with the undecided ReLUs on fleetnas' side, and what was done to them. No guess that makes it worse is kept."""
    flipped = other_sides(exact, candidates, ours, theirs) if candidates else []
    for place in flipped:
        flip(exact, place)
    changed = exact.gradients()
    if max(relative_differences(ours, changed).values()) > max(relative_differences(ours, theirs).values()):
        return theirs, f"no turn of the {len(candidates)} undecided ReLUs explains it"
    return changed, f"{len(flipped)} of {len(candidates)} undecided ReLUs on the other side"


def worst_of(differences):
    name = max(differences, key=differences.get)
    return f"{differences[name]:.2g} ({name})"


def too_many(count, differences, peers, theirs):
    """Every gradient carries the turns of some ReLU, how many is chance: fleetnas must be about as near to the exact ones as PyTorch. Of
    kernels that are used: what nothing passes is zero on both sides."""
    used = [n for n in differences if n.endswith("weight") and theirs[n].abs().max() > 0]
    ours, theirs = (statistics.median(d[n] for n in used) for d in (differences, peers))
    text = f"{count} undecided ReLUs, too many to name: median difference of kernels {ours:.2g}, PyTorch's own {theirs:.2g}"
    return [] if ours <= max(BOUND, CHANCE * theirs) else [f"median: {ours:.3g}"], text


def compare_gradients(exact, candidates, ours, peers):
    theirs = exact.gradients()
    differences = relative_differences(ours, theirs)
    if not differences:
        raise ProblemError("the dump holds no gradients")
    note = f"none of {len(candidates)} undecided ReLUs on the other side"
    if max(differences.values()) > BOUND:
        if len(candidates) * len(exact.logits) > WORK_MOST:
            return too_many(len(candidates), differences, relative_differences(peers, theirs), theirs)
        theirs, note = explain(exact, candidates, ours, theirs)
        differences = relative_differences(ours, theirs)
    failed = [f"{n}: {d:.3g}" for n, d in sorted(differences.items(), key=lambda item: -item[1]) if not d <= BOUND]
    return failed, f"worst of {len(differences)} gradients {worst_of(differences)}, {note}"


def report(failed):
    for name, difference in sorted(failed.items(), key=lambda item: -item[1])[:10]:
        print(f"differs: {name}: {difference:.3g}", file=sys.stderr)
    return 1 if failed else 0


def compare(path, mode):
    tensors, metadata = read_tensors(path)
    if metadata.get("space", "").startswith("mobilenetv3"):
        return report(mobilenet.compare(tensors, metadata))
    if "task" in metadata:
        return report(translations.compare(tensors, metadata))
    for name in ("images", "labels", "loss", "logits", "parameter/stem.weight", "parameter/head.weight"):
        if name not in tensors:
            raise ProblemError(f'{path}: tensor "{name}" is missing')
    single = Recomputation(path, tensors, metadata, mode == "tuned", torch.float32)
    peers, rectified = single.gradients(), single.rectified()
    del single
    exact = Recomputation(path, tensors, metadata, False, torch.float64)
    values = {"loss": exact.loss.detach().reshape(1), "logits": exact.logits.detach()}
    forward = relative_differences({n: tensors[n] for n in values}, values)
    ours = {n: t for n, t in tensors.items() if n.startswith("gradient/") or n == "gate_gradient"}
    failed, text = compare_gradients(exact, undecided(exact.rectified(), rectified), ours, peers)
    failed += [f"{n}: {d:.3g}" for n, d in forward.items() if not d <= BOUND]
    print(f"{metadata['arch']}, {len(tensors['labels'])} images: loss {forward['loss']:.2g}, logits {forward['logits']:.2g}; {text}")
    for line in failed[:10]:
        print("differs:", line, file=sys.stderr)
    return 1 if failed else 0
