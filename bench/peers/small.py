"""What a search computes beside its supernet: hypernetwork, sampler, predictor, min-norm; and fronts, and the predictor's own training."""
import math

import torch
from torch import nn
from torch.nn import functional

from cells import EDGES, FEATURES, GraphFile, NODES, OPERATIONS, all_cells, format_cell, graph_of
from common import Timed

BANKS, ROWS, EMBEDDING, OUTPUTS = 50, 101, 10, 30


class Bank(nn.Module):
    """A small hypernetwork of its own: a row of logits for every percent of the first weight of the preference."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(ROWS, OUTPUTS)

    def forward(self, preference):
        row = torch.round(preference[0] * (ROWS - 1)).long()
        return self.table(row).view(len(EDGES), len(OPERATIONS))


class Hypernet(nn.Module):
    """50 banks, mixed by attention of the device over 50 keys."""

    def __init__(self):
        super().__init__()
        self.banks = nn.ModuleList(Bank() for _ in range(BANKS))
        self.keys = nn.Embedding(BANKS, EMBEDDING)

    def forward(self, preference, embedding):
        scores = self.keys.weight @ embedding / math.sqrt(EMBEDDING)
        mix = functional.softmax(torch.sin(scores), dim=0)
        logits = 0
        for share, bank in zip(mix, self.banks):
            logits = logits + share * bank(preference)
        return logits


class ReinMax(torch.autograd.Function):
    """Liu et al. 2023, algorithm 2: forward the one-hot sample, backward Heun's correction of the straight-through estimator."""

    @staticmethod
    def forward(ctx, logits, choices):
        soft = logits.softmax(-1)
        hard = functional.one_hot(choices, logits.shape[-1]).type_as(soft)
        ctx.save_for_backward(soft, hard)
        return hard

    @staticmethod
    def backward(ctx, gradient):
        soft, hard = ctx.saved_tensors
        middle = 0.5 * (soft + hard)
        second = 2 * gradient * middle
        second = second - middle * second.sum(-1, keepdim=True)
        first = -0.5 * gradient * soft
        first = first - soft * first.sum(-1, keepdim=True)
        total = first + second
        return total - total.mean(-1, keepdim=True), None


def reinmax(logits, choices=None):
    """choices: what to take in place of a sample."""
    if choices is None:
        choices = torch.multinomial(logits.detach().softmax(-1), 1).squeeze(-1)
    return ReinMax.apply(logits, choices)


class GraphConvolution(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs).uniform_(-0.05, 0.05))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-0.1, 0.1))

    def forward(self, x, adjacency):
        return functional.relu(torch.matmul(adjacency, torch.matmul(x, self.weight)) + self.bias)


class Predictor(nn.Module):
    """Four graph convolutions of 100, the row of the global node; two layers of 100 over the device; two of 200; one latency."""

    COLUMNS = (1, 3, 2, 5, 4)  # of the features, by operation

    def __init__(self):
        super().__init__()
        self.graph = nn.ModuleList(GraphConvolution(FEATURES if i == 0 else 100, 100) for i in range(4))
        self.device = nn.Sequential(nn.Linear(EMBEDDING, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 1))

    def of_graphs(self, features, adjacency, embedding):
        x = features
        for layer in self.graph:
            x = layer(x, adjacency)
        return self.head(torch.cat((x[:, NODES - 1], self.device(embedding)), dim=1))

    def forward(self, gates, adjacency, embedding):
        """Of one architecture, given by its gates [6, 5], on one device."""
        features = torch.zeros(1, NODES, FEATURES)
        features[0, 0, 0] = features[0, NODES - 2, 6] = features[0, NODES - 1, 7] = 1
        features[0, 1 : 1 + len(EDGES), 1:6] = gates[:, [0, 2, 1, 4, 3]]
        return self.of_graphs(features, adjacency.unsqueeze(0), embedding.unsqueeze(0))


# ---- minimum norm, by Frank and Wolfe (Sener and Koltun 2018) ----

def unit_gradient(module):
    gradient = [p.grad.clone() for p in module.parameters()]
    norm = sum((g**2).sum() for g in gradient).sqrt()
    return [g / norm for g in gradient]


def two_points(a, b, c):
    """Share of u in the shortest g u + (1 - g) v, with a = <u, u>, b = <u, v>, c = <v, v>; and its squared length."""
    if b >= a:
        return 0.999, a
    if b >= c:
        return 0.001, c
    share = (c - b) / (a + c - 2 * b)
    return share, c + share * (b - c)


def gram_matrix(gradients):
    matrix = torch.zeros(len(gradients), len(gradients))
    for i, u in enumerate(gradients):
        for j in range(i, len(gradients)):
            matrix[i, j] = matrix[j, i] = sum((x * y).sum().item() for x, y in zip(u, gradients[j]))
    return matrix.numpy()


def min_norm(gradients, cap=1000):
    import numpy

    gram = gram_matrix(gradients)
    count = len(gradients)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    best = min(pairs, key=lambda p: two_points(gram[p[0], p[0]], gram[p[0], p[1]], gram[p[1], p[1]])[1])
    shares = numpy.zeros(count)
    shares[best[0]] = two_points(gram[best[0], best[0]], gram[best[0], best[1]], gram[best[1], best[1]])[0]
    shares[best[1]] = 1 - shares[best[0]]
    for _ in range(cap):
        products = gram @ shares
        k = int(numpy.argmin(products))
        keep, _ = two_points(shares @ products, products[k], gram[k, k])
        changed = keep * shares
        changed[k] += 1 - keep
        if numpy.abs(changed - shares).sum() < 1e-5:
            return shares.tolist()
        shares = changed
    return shares.tolist()


# ---- problems ----

class Step:
    """What a step of a search costs without a supernet: only the predicted latencies are brought down."""

    def __init__(self, tuned, devices):
        self.hypernet, self.predictor = Hypernet(), Predictor().requires_grad_(False)
        self.file = GraphFile(torch, True)  # kept in both modes: reading it is a matter of the pass
        self.embeddings = torch.rand(devices, EMBEDDING)
        self.adam = torch.optim.Adam(self.hypernet.parameters(), lr=3.9e-3, betas=(0.5, 0.999), weight_decay=0.09)
        self.dirichlet = torch.distributions.Dirichlet(torch.ones(2))

    def device_gradient(self, embedding):
        self.adam.zero_grad()
        preference = self.dirichlet.sample()
        gates = reinmax(self.hypernet(preference, embedding))
        (preference[1] * self.predictor(gates, self.file.adjacency(), embedding).squeeze()).backward()
        return unit_gradient(self.hypernet)

    def run(self):
        gradients = [self.device_gradient(e) for e in self.embeddings]
        shares = min_norm(gradients)
        for i, parameter in enumerate(self.hypernet.parameters()):
            parameter.grad = sum(share * g[i] for share, g in zip(shares, gradients))
        self.adam.step()


def make_step(mode, values):
    return Timed(Step(mode == "tuned", values["devices"]).run)


class Fronts:
    """Every preference on every device, one by one: logits, the likeliest cell, its predicted latency."""

    def __init__(self, preferences, devices):
        self.hypernet, self.predictor = Hypernet(), Predictor()
        self.file = GraphFile(torch, True)
        self.preferences = torch.linspace(0, 1, preferences)
        self.embeddings = torch.rand(devices, EMBEDDING)

    def run(self):
        with torch.no_grad():
            return [[self.point(p, e) for p in self.preferences] for e in self.embeddings]

    def point(self, weight, embedding):
        logits = self.hypernet(torch.stack((weight, 1 - weight)), embedding)
        choices = logits.argmax(-1)
        gates = functional.one_hot(choices, len(OPERATIONS)).float()
        return choices.tolist(), self.predictor(gates, self.file.adjacency(), embedding).item()


def make_fronts(mode, values):
    return Timed(Fronts(values["preferences"], values["devices"]).run)


class PredictorTraining:
    """A step of the predictor's training; `making`: the batch is made within it, its graphs built one by one from strings."""

    def __init__(self, batch, making, devices=13):
        self.batch, self.making = batch, making
        self.predictor = Predictor()
        self.adam = torch.optim.Adam(self.predictor.parameters(), lr=1e-4)
        self.texts = [format_cell(c) for c in all_cells()]
        self.latencies = torch.rand(devices, len(self.texts)).tolist()
        self.embeddings = torch.rand(devices, EMBEDDING)
        self.made = self.make()

    def make(self):
        device = int(torch.randint(len(self.embeddings), (1,)))
        indices = torch.randperm(len(self.texts))[: self.batch].tolist()
        graphs = [graph_of(torch, self.texts[i]) for i in indices]
        adjacency, features = torch.stack([g[0] for g in graphs]), torch.stack([g[1] for g in graphs])
        targets = torch.stack([torch.tensor([self.latencies[device][i]]) for i in indices])
        embedding = torch.stack([self.embeddings[device] for _ in indices])
        return features, adjacency, embedding, targets

    def run(self):
        features, adjacency, embedding, targets = self.make() if self.making else self.made
        self.adam.zero_grad()
        functional.mse_loss(self.predictor.of_graphs(features, adjacency, embedding), targets).backward()
        nn.utils.clip_grad_norm_(self.predictor.parameters(), 5)
        self.adam.step()


def make_predictor_training(mode, values):
    return Timed(PredictorTraining(values["batch"], values["making"] == "yes").run)
