"""Single operators, forward or backward (by data and weights together), and the speed of a matrix product to judge them by."""
import torch
from torch import nn

from common import Timed


class Operator:
    def __init__(self, mode, module, batch, channels, size):
        layout = torch.channels_last if mode == "tuned" else torch.contiguous_format
        self.module = module.to(memory_format=layout)
        self.input = torch.randn(batch, channels, size, size).contiguous(memory_format=layout).requires_grad_()
        self.output = self.module(self.input)
        self.upstream = torch.randn(self.output.shape).contiguous(memory_format=layout)

    def forward(self):
        self.output = self.module(self.input)

    def backward(self):
        self.input.grad = None
        self.module.zero_grad()
        self.output.backward(self.upstream, retain_graph=True)

    def timed(self, direction):
        return Timed(self.forward if direction == "forward" else self.backward)


def make_conv(mode, values):
    conv = nn.Conv2d(values["in"], values["out"], values["kernel"], padding=values["kernel"] // 2)
    return Operator(mode, conv, values["images"], values["in"], values["size"]).timed(values["direction"])


def make_norm(mode, values):
    norm = nn.BatchNorm2d(values["channels"], affine=False)
    return Operator(mode, norm, values["images"], values["channels"], values["size"]).timed(values["direction"])


def make_pool(mode, values):
    pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return Operator(mode, pool, values["images"], values["channels"], values["size"]).timed(values["direction"])


def make_sgemm(mode, values):
    size = values["size"]
    a, b, c = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)
    return Timed(lambda: torch.mm(a, b, out=c))
