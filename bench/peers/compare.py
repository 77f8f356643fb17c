"""Computes anew, in PyTorch, what a dump of `fleetnas bench pass:... --dump FILE` holds, and compares loss, logits and gradients."""
import sys

import torch
from torch.nn import functional

import supernet
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


class Comparison:
    def __init__(self):
        self.worst, self.failed, self.count = ("", 0.0), [], 0

    def add(self, name, ours, theirs, scale=None):
        """Largest difference, relative to the largest magnitude of the tensor, or to `scale` where that alone has a meaning."""
        scale = max(theirs.abs().max().item(), scale or 0.0)
        difference = (ours.double() - theirs.double()).abs().max().item()
        relative = difference / scale if scale > 0 else difference
        self.count += 1
        if relative > self.worst[1]:
            self.worst = (name, relative)
        if not relative <= BOUND:
            self.failed.append(f"{name}: {relative:.3g} of {scale:.3g}")


def compare_gradients(comparison, tensors, names):
    missing = 0
    for name, parameter in names.items():
        theirs = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
        ours = tensors.get("gradient/" + name)
        if ours is None:
            missing += 1
            continue
        scale = None
        if ".edge" in name and name.endswith(".bias"):
            # A normalisation follows: the exact gradient is zero, and both sides hold rounding errors of the kernel's.
            kernel = names[name[: -len("bias")] + "weight"]
            scale = kernel.grad.abs().max().item() if kernel.grad is not None else None
        comparison.add("gradient/" + name, ours, theirs, scale)
    return missing


def cell_of(metadata, path):
    for key in ("cell", "arch"):
        if key in metadata:
            return parse_cell(metadata[key])
    raise ProblemError(f'{path}: its metadata name no "cell"')


def compare(path, mode):
    torch.manual_seed(0)
    tensors, metadata = read_tensors(path)
    for name in ("images", "labels", "loss", "logits", "gate_gradient", "parameter/stem.weight", "parameter/head.weight"):
        if name not in tensors:
            raise ProblemError(f'{path}: tensor "{name}" is missing')
    tuned = mode == "tuned"
    net = net_for(tensors, tuned)
    names = load_parameters(net, tensors, path)
    images = tensors["images"].contiguous(memory_format=torch.channels_last if tuned else torch.contiguous_format)
    gates = supernet.one_hot(cell_of(metadata, path)).requires_grad_()
    logits = net(images, gates)
    loss = functional.cross_entropy(logits, tensors["labels"].long())
    loss.backward()
    comparison = Comparison()
    comparison.add("loss", tensors["loss"].reshape(()), loss.detach())
    comparison.add("logits", tensors["logits"].reshape(logits.shape), logits.detach())
    comparison.add("gate_gradient", tensors["gate_gradient"].reshape(6, 5).flip(1), gates.grad)  # fleetnas' operations are in reverse order
    missing = compare_gradients(comparison, tensors, names)
    print(f"{path}, {mode}: {comparison.count} tensors ({missing} gradients not in the file), worst {comparison.worst[0]}: {comparison.worst[1]:.3g}")
    for line in comparison.failed:
        print("differs:", line, file=sys.stderr)
    return 1 if comparison.failed else 0
