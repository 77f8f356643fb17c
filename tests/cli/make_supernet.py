"""Once-for-All's MobileNetV3 supernet (Cai et al. 2020) as state dictionaries of PyTorch, and what is to become of them.

make_supernet.py make FOLDER WIDTH CLASSES [FORM...]: writes FOLDER/FORM.pth for each form. Shapes and names are built here from the paper's table, not from fleetnas.
make_supernet.py check FILE.safetensors WIDTH CLASSES: every weight has the numbers that `make` drew.
Exit code 77: no PyTorch.
"""
import collections
import json
import struct
import sys

try:
    import numpy
    import torch
except ImportError:
    sys.exit(77)


def divisible(value):
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def tensors(width, classes):
    """(published name, shape, our name or None) of every tensor."""
    base = [divisible(c * width) for c in (16, 16, 24, 40, 80, 112, 160, 960, 1280)]
    squeezes = [False, True, False, True, True]

    def norm(name, channels, ours):
        yield name + ".weight", (channels,), ours + ".gamma"
        yield name + ".bias", (channels,), ours + ".beta"
        yield name + ".running_mean", (channels,), None
        yield name + ".running_var", (channels,), None
        yield name + ".num_batches_tracked", (), None

    yield "first_conv.conv.weight", (base[0], 3, 3, 3), "stem.conv"
    yield from norm("first_conv.bn", base[0], "stem.conv")
    block = "blocks.0.mobile_inverted_conv."
    yield block + "depth_conv.conv.weight", (base[0], 1, 3, 3), "first.depthwise"
    yield from norm(block + "depth_conv.bn", base[0], "first.depthwise")
    yield block + "point_linear.conv.weight", (base[1], base[0], 1, 1), "first.project"
    yield from norm(block + "point_linear.bn", base[1], "first.project")
    channels = base[1]
    for slot in range(20):
        stage, unit = divmod(slot, 4)
        middle, out = divisible(channels * 6), base[2 + stage]
        block, ours = f"blocks.{slot + 1}.mobile_inverted_conv.", f"stage{stage}.unit{unit}."
        yield block + "inverted_bottleneck.conv.conv.weight", (middle, channels, 1, 1), ours + "expand"
        yield from norm(block + "inverted_bottleneck.bn.bn", middle, ours + "expand")
        yield block + "depth_conv.conv.5to3_matrix", (9, 9), ours + "depthwise.transform3"
        yield block + "depth_conv.conv.7to5_matrix", (25, 25), ours + "depthwise.transform5"
        yield block + "depth_conv.conv.conv.weight", (middle, 1, 7, 7), ours + "depthwise"
        yield from norm(block + "depth_conv.bn.bn", middle, ours + "depthwise")
        if squeezes[stage]:
            squeezed = divisible(middle // 4)
            yield block + "depth_conv.se.fc.reduce.weight", (squeezed, middle, 1, 1), ours + "reduce"
            yield block + "depth_conv.se.fc.reduce.bias", (squeezed,), ours + "reduce.bias"
            yield block + "depth_conv.se.fc.expand.weight", (middle, squeezed, 1, 1), ours + "excite"
            yield block + "depth_conv.se.fc.expand.bias", (middle,), ours + "excite.bias"
        yield block + "point_linear.conv.conv.weight", (out, middle, 1, 1), ours + "project"
        yield from norm(block + "point_linear.bn.bn", out, ours + "project")
        channels = out
    yield "final_expand_layer.conv.weight", (base[7], channels, 1, 1), "head.last"
    yield from norm("final_expand_layer.bn", base[7], "head.last")
    yield "feature_mix_layer.conv.weight", (base[8], base[7], 1, 1), "head.mix"
    yield "classifier.linear.weight", (classes, base[8]), "head.classifier"
    yield "classifier.linear.bias", (classes,), "head.classifier.bias"


def draw(name, shape):
    """Numbers that depend on the name alone."""
    generator = numpy.random.default_rng(list(name.encode()))
    return generator.standard_normal(shape, dtype=numpy.float32)


def state_dictionary(width, classes):
    state = collections.OrderedDict()
    for name, shape, _ in tensors(width, classes):
        is_count = name.endswith("num_batches_tracked")
        state[name] = torch.tensor(1000) if is_count else torch.from_numpy(numpy.array(draw(name, shape)))
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state


def make(folder, width, classes, forms):
    state = state_dictionary(width, classes)
    for form in forms:
        path = f"{folder}/{form}.pth"
        if form == "zip":
            torch.save({"state_dict": state}, path)
        elif form == "old":  # as training on several devices saves it, today's names
            renamed = {"module." + name.replace(".mobile_inverted_conv.", ".conv."): tensor for name, tensor in state.items()}
            torch.save(renamed, path, _use_new_zipfile_serialization=False)
        elif form == "turned":  # memory formats change strides, not numbers
            torch.save({name: t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t for name, t in state.items()}, path)
        elif form == "spoilt":
            spoilt = dict(state)
            del spoilt["blocks.5.mobile_inverted_conv.point_linear.bn.bn.weight"]
            spoilt["extra.weight"] = torch.zeros(3)
            spoilt["classifier.linear.bias"] = torch.zeros(classes + 1)
            torch.save(spoilt, path)


def check(path, width, classes):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__")
    compared = 0
    for name, shape, ours in tensors(width, classes):
        if ours is None or (ours not in header and ours.rsplit(".", 1)[-1].startswith("transform")):
            continue
        entry = header.pop(ours)
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32" and entry["shape"] == list(shape), (ours, entry)
        assert numpy.array_equal(numpy.frombuffer(data[begin:end], "<f4").reshape(shape), draw(name, shape)), ours
        compared += 1
    assert not header, list(header)
    print(compared, "weights agree")


action, target, multiplier, class_count = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
if action == "make":
    make(target, multiplier, class_count, sys.argv[5:])
else:
    check(target, multiplier, class_count)
