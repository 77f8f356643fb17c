"""The supernet of NAS-Bench-201 as MODNAS trains it (method.md 1.3, 3.4, 3.6 of the project tell what the reference does), in PyTorch."""
import torch
from torch import nn
from torch.nn import functional

from cells import EDGES, OPERATIONS

EPSILON = 1e-5


def relu(x):
    """One for all: compare.py puts another in its place, to see which inputs lie so near zero that rounding decides."""
    return functional.relu(x)


class GatedEdge(nn.Module):
    """One of five operations, multiplied by its gate; the other gates, zeros of which gradients are wanted, are added to the whole map."""

    def __init__(self, channels):
        super().__init__()
        self.kernel = nn.Conv2d(channels, channels, 3, padding=1, bias=True)
        self.norm = nn.BatchNorm2d(channels, eps=EPSILON, affine=False)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def convolve(self, x, operation):
        if operation == "nor_conv_3x3":
            return self.norm(self.kernel(relu(x)))
        centre = self.kernel.weight[:, :, 1:2, 1:2]  # the 1x1 kernel is the centre tap of the 3x3
        return self.norm(functional.conv2d(relu(x), centre, self.kernel.bias))

    def operate(self, x, operation):
        if operation == "avg_pool_3x3":
            return self.pool(x)
        if operation == "skip_connect":
            return x
        return x.mul(0.0) if operation == "none" else self.convolve(x, operation)

    def forward(self, x, gates):
        chosen = gates.argmax().item()
        return sum(gates[i] * self.operate(x, name) if i == chosen else gates[i] for i, name in enumerate(OPERATIONS))


class SearchCell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.edges = nn.ModuleList(GatedEdge(channels) for _ in EDGES)

    def forward(self, x, gates):
        nodes = [x]
        for target in range(1, 4):
            nodes.append(sum(self.edges[e](nodes[source], gates[e]) for e, (to, source) in enumerate(EDGES) if to == target))
        return nodes[-1]


class NormedConv(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.kernel = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x):
        return self.norm(self.kernel(relu(x)))


class Reduction(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.a = NormedConv(inputs, 2 * inputs, 2)
        self.b = NormedConv(2 * inputs, 2 * inputs, 1)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.shortcut = nn.Conv2d(inputs, 2 * inputs, 1, bias=False)

    def forward(self, x):
        return self.shortcut(self.pool(x)) + self.b(self.a(x))


class Supernet(nn.Module):
    def __init__(self, channels=16, cells=5, classes=10, inputs=3):
        super().__init__()
        self.stem = nn.Conv2d(inputs, channels, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(channels, eps=EPSILON)
        self.stages = nn.ModuleList(nn.ModuleList(SearchCell(channels << s) for _ in range(cells)) for s in range(3))
        self.reductions = nn.ModuleList(Reduction(channels << s) for s in range(2))
        self.head_norm = nn.BatchNorm2d(4 * channels, eps=EPSILON)
        self.classifier = nn.Linear(4 * channels, classes)

    def forward(self, images, gates):
        x = self.stem_norm(self.stem(images))
        for stage, cells in enumerate(self.stages):
            if stage > 0:
                x = self.reductions[stage - 1](x)
            for cell in cells:
                x = cell(x, gates)
        x = relu(self.head_norm(x))
        return self.classifier(functional.adaptive_avg_pool2d(x, 1).flatten(1))

    def named_as_fleetnas(self):
        """{name in a dump of `fleetnas bench`: parameter}"""
        names = {"stem.weight": self.stem.weight, "stem.gamma": self.stem_norm.weight, "stem.beta": self.stem_norm.bias}
        for s, cells in enumerate(self.stages):
            for c, cell in enumerate(cells):
                for edge, (target, source) in zip(cell.edges, EDGES):
                    prefix = f"stage{s}.cell{c}.edge{target}_{source}"
                    names[prefix + ".weight"], names[prefix + ".bias"] = edge.kernel.weight, edge.kernel.bias
        for s, reduction in enumerate(self.reductions, 1):
            prefix = f"stage{s}.reduction."
            for part, suffix in ((reduction.a, "a"), (reduction.b, "b")):
                names[prefix + "weight_" + suffix] = part.kernel.weight
                names[prefix + "gamma_" + suffix], names[prefix + "beta_" + suffix] = part.norm.weight, part.norm.bias
            names[prefix + "shortcut"] = reduction.shortcut.weight
        names.update({"head.gamma": self.head_norm.weight, "head.beta": self.head_norm.bias})
        names.update({"head.weight": self.classifier.weight, "head.bias": self.classifier.bias})
        return names


def one_hot(choices):
    return functional.one_hot(torch.tensor(choices), len(OPERATIONS)).float()


def make_supernet(tuned, **shape):
    net = Supernet(**shape)
    return net.to(memory_format=torch.channels_last) if tuned else net


def make_images(tuned, batch, size=32, inputs=3):
    images = torch.randn(batch, inputs, size, size)
    return images.contiguous(memory_format=torch.channels_last) if tuned else images
