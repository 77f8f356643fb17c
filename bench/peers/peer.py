#!/usr/bin/python3
"""Does what `fleetnas bench` does in PyTorch, and prints rows of JSON, one a line.

    peer.py [--plain | --tuned] [--threads N] [--repeats N] PROBLEM...
    peer.py [--plain | --tuned] --serve      one request a line, {"problem", "threads"}: one timed run each; a null problem frees all
    peer.py [--plain | --tuned] --compare FILE.safetensors [--threads N]

A row: {"problem", "mode", "threads", "wall_ms": [...], "cpu_ms": [...], "peak_memory_mb"}. --compare computes anew what a dump of
`fleetnas bench pass:... --dump FILE` (or `subnet:...`, `translator:...`) holds and fails (exit 1) where loss, logits or gradients differ
by more than 1e-3 (compare.py), of a translator by more than 1e-4.
Problems and their keys are those of fleetnas, see PROBLEMS below; a direction "backward" is by data and weights together. Needs Debian's python3-torch.
"""
import argparse
import json
import os
import sys

import common

# Of an iteration where no file is named; fleetnas then draws cells, so a comparison names the file.
CELLS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cells-13.txt")

PROBLEMS = {
    "pass": {"cell": "mixed", "images": 256, "gradient": "weights", "channels": 16, "cells": 5},
    "subnet": {"arch": "middle", "resolution": 160, "images": 32, "gradient": "weights", "width": "1.2"},
    "translator": {
        "task": "training", "arch": "middle", "sentences": 16, "words": 30, "vocabulary": 8000, "dropout": "yes", "precision": "f32",
    },
    "iteration": {"cells": CELLS, "images": 256, "channels": 16, "depth": 5},
    "step": {"devices": 13},
    "fronts": {"preferences": 24, "devices": 19},
    "predictor-training": {"batch": 64, "making": "yes"},
    "conv": {"in": 16, "out": 16, "size": 32, "kernel": 3, "images": 256, "direction": "forward"},
    "norm": {"channels": 16, "size": 32, "images": 256, "direction": "forward"},
    "pool": {"channels": 16, "size": 32, "images": 256, "direction": "forward"},
    "sgemm": {"size": 2048},
}


def makers():
    """Imports torch: after malloc has its settings."""
    import mobilenet
    import operators
    import passes
    import small
    import translations

    return {
        "pass": passes.make_pass,
        "subnet": mobilenet.make_subnet,
        "translator": translations.make_translator,
        "iteration": passes.make_iteration,
        "step": small.make_step,
        "fronts": small.make_fronts,
        "predictor-training": small.make_predictor_training,
        "conv": operators.make_conv,
        "norm": operators.make_norm,
        "pool": operators.make_pool,
        "sgemm": operators.make_sgemm,
    }


class Peer:
    def __init__(self, mode):
        if mode == "tuned":
            common.keep_pages()
        import torch

        self.torch, self.mode, self.makers = torch, mode, makers()
        self.made = {}

    def make(self, problem):
        if problem not in self.made:
            name, values = common.parse_problem(problem, PROBLEMS)
            self.torch.manual_seed(0)
            self.made[problem] = self.makers[name](self.mode, values)
        return self.made[problem]

    def run(self, problem, threads, repeats):
        common.set_threads(self.torch, threads)
        common.forget_peak()
        timed = self.make(problem)
        times = [timed.repeat() for _ in range(repeats)]
        walls, cpus = [t[0] for t in times], [t[1] for t in times]
        return common.row(problem, self.mode, threads, walls, cpus, common.peak_memory_mb())


def serve(peer):
    for line in sys.stdin:
        request = json.loads(line)
        if request["problem"] is None:
            peer.made.clear()
            reply = {}
        else:
            reply = peer.run(request["problem"], request["threads"], 1)
        print(json.dumps(reply), flush=True)


def main():
    parser = argparse.ArgumentParser(description="PyTorch doing what `fleetnas bench` does.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--plain", dest="mode", action="store_const", const="plain", default="plain", help="as the reference does it")
    mode.add_argument("--tuned", dest="mode", action="store_const", const="tuned", help="channels_last, memory and files kept")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--compare", metavar="FILE")
    parser.add_argument("problems", nargs="*", metavar="PROBLEM")
    options = parser.parse_args()
    for problem in options.problems:
        common.parse_problem(problem, PROBLEMS)
    peer = Peer(options.mode)
    if options.serve:
        return serve(peer)
    if options.compare:
        import compare

        common.set_threads(peer.torch, options.threads)
        return compare.compare(options.compare, options.mode)
    for problem in options.problems:
        print(json.dumps(peer.run(problem, options.threads, options.repeats)), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except common.ProblemError as error:
        sys.exit(f"peer: {error}")
