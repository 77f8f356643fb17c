"""Cells of NAS-Bench-201 as text, and the files that the plain mode reads again in every pass."""
import os

from common import ProblemError, cache_folder

# In the order of the reference's gates; fleetnas has the reverse.
OPERATIONS = ("avg_pool_3x3", "nor_conv_3x3", "nor_conv_1x1", "skip_connect", "none")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))  # (target, source)

_SHORT = {"conv3x3": 1, "conv3": 1, "3x3": 1, "conv1x1": 2, "conv1": 2, "1x1": 2, "pool": 0, "skip": 3, "none": 4}
_NAMED = {"mixed": (1, 2, 0, 3, 4, 1)}


def parse_cell(text):
    """ "mixed", one operation for all edges ("conv3", "pool", ...), or "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|": six indices of operations."""
    if text in _NAMED:
        return _NAMED[text]
    if text in _SHORT or text in OPERATIONS:
        return (_SHORT[text] if text in _SHORT else OPERATIONS.index(text),) * len(EDGES)
    words = [word for node in text.split("+") for word in node.strip("|").split("|")]
    sources = [str(source) for _, source in EDGES]
    if len(words) != len(EDGES) or [word.partition("~")[2] for word in words] != sources:
        raise ProblemError(f'cell "{text}" is not of the form |op~0|+|op~0|op~1|+|op~0|op~1|op~2|')
    try:
        return tuple(OPERATIONS.index(word.partition("~")[0]) for word in words)
    except ValueError:
        raise ProblemError(f'cell "{text}": the operations are {", ".join(OPERATIONS)}') from None


def format_cell(choices):
    words = iter(f"{OPERATIONS[c]}~{source}" for c, (_, source) in zip(choices, EDGES))
    return "+".join("|" + "|".join(next(words) for _ in range(node)) + "|" for node in (1, 2, 3))


def read_cells(path):
    try:
        with open(path) as file:
            lines = [line.split("#")[0].strip() for line in file]
    except OSError as error:
        raise ProblemError(f"{path}: {error.strerror}") from None
    return [parse_cell(line) for line in lines if line]


def all_cells():
    """All 15,625, as choices."""
    count = len(OPERATIONS) ** len(EDGES)
    return [tuple(index // len(OPERATIONS) ** e % len(OPERATIONS) for e in range(len(EDGES))) for index in range(count)]


# ---- a cell as the graph that the predictor of latencies reads: input, six edges, output, and a node that all lead to ----

_FEATURE_OF_OPERATION = (1, 3, 2, 5, 4)
_GRAPH = ((0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 6), (3, 6), (4, 7), (5, 7), (6, 7))
NODES, FEATURES = 9, 8


def graph_of(torch, text):
    """Built from the string for every architecture, as the reference makes its batches: adjacency [9, 9], features [9, 8]."""
    import numpy

    choices = parse_cell(text)
    matrix = numpy.zeros((NODES - 1, NODES - 1))
    for begin, end in _GRAPH:
        matrix[begin, end] = 1
    matrix = numpy.column_stack((matrix, numpy.ones(NODES - 1)))
    matrix = numpy.row_stack((matrix, numpy.zeros(NODES)))
    numpy.fill_diagonal(matrix, 1)
    labels = [0] + [_FEATURE_OF_OPERATION[c] for c in choices] + [6, 7]
    features = numpy.zeros((NODES, FEATURES))
    for node, label in enumerate(labels):
        features[node, label] = 1
    adjacency = torch.tensor(matrix.T.tolist(), dtype=torch.float32)
    return adjacency, torch.tensor(features.tolist(), dtype=torch.float32)


class GraphFile:
    """The graphs of all cells. The reference reads a file of them in every forward pass that asks the predictor, 0.4 to 0.5 s of a pass for
    the hypernetwork; so does plain, a file of our own that takes about as long: a tensor of features for each cell."""

    def __init__(self, torch, tuned):
        self.torch, self.tuned, self.kept = torch, tuned, None
        self.path = os.path.join(cache_folder(), "cells.pt")
        if not os.path.exists(self.path):
            own = f"{self.path}.{os.getpid()}"  # two peers may begin at once
            graphs = [graph_of(torch, format_cell(c)) for c in all_cells()]
            torch.save({"adjacency": graphs[0][0], "features": [features for _, features in graphs]}, own)
            os.replace(own, self.path)

    def read(self):
        if not self.tuned or self.kept is None:
            self.kept = self.torch.load(self.path)
        return self.kept

    def adjacency(self):
        return self.read()["adjacency"]
