"""torch_translator.py PEERS WEIGHTS.safetensors: of a file that holds the weights of the largest network ("parameter/NAME"), "source",
"source_start", "input", "label", "target_start" and in its metadata "shape" (translator.py) and "smoothing", what PyTorch computes in double
precision with padded, masked sentences: a line of each tensor's gradient (its name, its length, its products with two fixed vectors), then a
line of logits for each token. Exits with 77 where there is no PyTorch."""
import json
import sys

try:
    import torch
except ImportError:
    sys.exit(77)

sys.path.insert(0, sys.argv[1])
import translator  # noqa: E402
from common import open_safetensors  # noqa: E402

entries, metadata = open_safetensors(sys.argv[2])
tensors = {}
for name, (kind, shape, data) in entries.items():
    kinds = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64}
    tensor = torch.frombuffer(bytearray(data), dtype=kinds[kind]).reshape(shape)
    tensors[name] = tensor.double() if kind == "F32" else tensor.long()


def padded(ids, start):
    """[sentences][longest], and true where there is no token."""
    rows = [ids[start[i] : start[i + 1]] for i in range(len(start) - 1)]
    table = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    return table, torch.arange(table.shape[1])[None, :] >= lengths[:, None]


net = translator.Transformer(json.loads(metadata["shape"]))
largest = {n.removeprefix("parameter/"): t.requires_grad_() for n, t in tensors.items() if n.startswith("parameter/")}
source, padding = padded(tensors["source"], tensors["source_start"])
target, beyond = padded(tensors["input"], tensors["target_start"])
logits = net.forward(net.slices(largest), source, target, padding)[~beyond]
translator.smoothed_loss(logits, tensors["label"], float(metadata["smoothing"])).backward()
for name, tensor in largest.items():
    g = tensor.grad.flatten() if tensor.grad is not None else torch.zeros(tensor.numel(), dtype=torch.float64)
    i = torch.arange(g.numel(), dtype=torch.float64)
    print(name, f"{g.norm():.9g} {(g * torch.cos(i)).sum():.9g} {(g * torch.sin(i * i)).sum():.9g}")
for row in logits.tolist():
    print(" ".join(f"{x:.9g}" for x in row))
