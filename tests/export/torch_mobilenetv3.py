"""torch_mobilenetv3.py PEERS WEIGHTS.safetensors...: of each file, which holds the shared weights ("parameter/NAME"), "images" and in its
metadata "space" and "arch", the logits of the sub-network as PyTorch computes them in double precision with the statistics of the batch:
the architecture, then a line an image. Exits with 77 where there is no PyTorch."""
import sys

try:
    import torch
except ImportError:
    sys.exit(77)

sys.path.insert(0, sys.argv[1])
import mobilenet  # noqa: E402
from common import open_safetensors  # noqa: E402


def read(path):
    entries, metadata = open_safetensors(path)
    tensors = {n: torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape).double() for n, (_, shape, data) in entries.items()}
    return tensors, metadata


for path in sys.argv[2:]:
    tensors, metadata = read(path)
    net = mobilenet.subnet_of(metadata["space"], metadata["arch"])
    weights = net.slices({n.removeprefix("parameter/"): t for n, t in tensors.items() if n != "images"})
    with torch.no_grad():
        logits = net.forward(weights, tensors["images"])
    print(metadata["arch"])
    for row in logits.tolist():
        print(" ".join(f"{x:.9g}" for x in row))
