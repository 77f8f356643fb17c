"""A network of random numbers for NAS-Bench-201, saved by numpy, and what numpy computes with it: make_network.py FOLDER."""
import sys

try:
    import numpy
except ImportError:
    sys.exit(77)
folder = sys.argv[1]
random = numpy.random.RandomState(1)
sizes = [30, 16, 9, 1]
members = {}
for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
    members["W%d" % layer] = random.randn(outputs, inputs).astype("<f4")
    members["b%d" % layer] = random.randn(outputs)
numpy.savez(folder + "/plain.npz", **members)
numpy.savez_compressed(folder + "/packed.npz", input="onehot", output="error_pct", **members)
with open(folder + "/expected", "w") as expected:
    for _ in range(50):
        choices = random.randint(5, size=6)
        value = numpy.zeros(30)
        value[5 * numpy.arange(6) + choices] = 1
        for layer in range(3):
            value = members["W%d" % layer].astype("f8") @ value + members["b%d" % layer]
            if layer < 2:
                value = numpy.maximum(value, 0)
        expected.write(" ".join(map(str, choices)) + " %.17g\n" % value[0])
