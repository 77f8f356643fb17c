"""Passes of the supernet, and the iteration of a search that is made of them."""
import torch
from torch import nn

import supernet
from cells import GraphFile, parse_cell, read_cells
from common import Timed, touch_heap
from small import Hypernet, Predictor, min_norm, reinmax, unit_gradient


HEAP_BYTES_AN_IMAGE = 24 << 20  # of the largest pass


class Pass:
    """One forward and backward pass of a batch through one cell's path. Both kinds compute the gradients of weights and gates, as autograd
    does unless told otherwise; what a hypernetwork's pass adds is the file that the reference reads for the predictor."""

    def __init__(self, tuned, cell, batch, kind, channels, cells):
        if tuned:
            touch_heap(HEAP_BYTES_AN_IMAGE * batch)
        self.net = supernet.make_supernet(tuned, channels=channels, cells=cells)
        self.images, self.labels = supernet.make_images(tuned, batch), torch.randint(10, (batch,))
        self.gates = supernet.one_hot(cell).requires_grad_()
        self.file = GraphFile(torch, tuned) if kind == "gates" else None

    def run(self):
        self.net.zero_grad(set_to_none=False)
        self.gates.grad = None
        if self.file:
            self.file.read()
        loss = nn.functional.cross_entropy(self.net(self.images, self.gates), self.labels)
        loss.backward()


def make_pass(mode, values):
    work = Pass(mode == "tuned", parse_cell(values["cell"]), values["images"], values["gradient"], values["channels"], values["cells"])
    return Timed(work.run)


class Iteration:
    """A step of MODNAS: the hypernetwork's gradient device by device, min-norm, Adam; the supernet's device by device, clipping, SGD."""

    DEVICES_LEARNING_RATE, WEIGHT_DECAY = 13, 0.0027

    def __init__(self, tuned, cells, batch, channels, cells_a_stage):
        if tuned:
            touch_heap(HEAP_BYTES_AN_IMAGE * batch)
        self.cells = [torch.tensor(c) for c in cells]
        self.net = supernet.make_supernet(tuned, channels=channels, cells=cells_a_stage)
        self.batches = [(supernet.make_images(tuned, batch), torch.randint(10, (batch,))) for _ in range(2)]
        self.hypernet, self.predictor = Hypernet(), Predictor().requires_grad_(False)
        self.file = GraphFile(torch, tuned)
        self.embeddings = torch.rand(len(cells), 10)
        rate = self.DEVICES_LEARNING_RATE
        self.adam = torch.optim.Adam(self.hypernet.parameters(), lr=3e-4 * rate, betas=(0.5, 0.999), weight_decay=0.09)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=0.025 * rate, momentum=0.9, weight_decay=self.WEIGHT_DECAY)
        self.dirichlet = torch.distributions.Dirichlet(torch.ones(2))

    def cross_entropy(self, gates, batch):
        images, labels = batch
        return nn.functional.cross_entropy(self.net(images, gates), labels)

    def sample(self, device):
        """A preference, and the cell of the list in place of a drawn one: the same on both sides of the comparison."""
        preference = self.dirichlet.sample()
        logits = self.hypernet(preference, self.embeddings[device])
        return preference, reinmax(logits, self.cells[device])

    def device_gradient(self, device):
        self.net.zero_grad(set_to_none=False)
        self.adam.zero_grad()
        preference, gates = self.sample(device)
        loss = preference[0] * self.cross_entropy(gates, self.batches[0])
        loss = loss + preference[1] * self.predictor(gates, self.file.adjacency(), self.embeddings[device]).squeeze() / 50
        loss.backward()
        return unit_gradient(self.hypernet)

    def update_hypernetwork(self):
        gradients = [self.device_gradient(t) for t in range(len(self.cells))]
        shares = min_norm(gradients)
        for i, parameter in enumerate(self.hypernet.parameters()):
            parameter.grad = sum(share * g[i] for share, g in zip(shares, gradients))
        self.adam.step()

    def update_weights(self):
        self.net.zero_grad(set_to_none=False)
        for device in range(len(self.cells)):
            _, gates = self.sample(device)
            (self.cross_entropy(gates, self.batches[1]) / len(self.cells)).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5)
        self.sgd.step()
        self.sgd.zero_grad()
        self.adam.zero_grad()

    def run(self):
        self.update_hypernetwork()
        self.update_weights()

    def warm(self):
        """Each kernel and all memory once: two paths in place of 26."""
        for device in range(2):
            self.device_gradient(device)


def make_iteration(mode, values):
    work = Iteration(mode == "tuned", read_cells(values["cells"]), values["images"], values["channels"], values["depth"])
    return Timed(work.run, work.warm)
