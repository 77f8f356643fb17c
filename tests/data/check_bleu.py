"""Usage: check_bleu.py TRANSLATIONS REFERENCES. BLEU as sacreBLEU 2 defines it (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp), written from its
definition: the substitutions of mteval-v13a as regular expressions, n-grams in counters. Prints counts, lengths and the score; segments end at
newlines."""
import collections
import math
import re
import sys

MARKS = re.compile(r"([{-~\[-` -&(-+:-@/])")
SUBSTITUTIONS = [(MARKS, r" \1 "), (re.compile(r"([^0-9])([.,])"), r"\1 \2 "), (re.compile(r"([.,])([^0-9])"), r" \1 \2"), (re.compile(r"([0-9])(-)"), r"\1 \2 ")]
REPLACED = [("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")]


def tokenise(segment):
    segment = segment.rstrip()
    for found, put in REPLACED:
        segment = segment.replace(found, put)
    segment = " " + segment + " "
    for expression, put in SUBSTITUTIONS:
        segment = expression.sub(put, segment)
    return segment.split()


def grams(tokens, n):
    return collections.Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def segments(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return file.read().split("\n")[:-1]


correct, total, length, reference_length = [0] * 4, [0] * 4, 0, 0
for translation, reference in zip(segments(sys.argv[1]), segments(sys.argv[2]), strict=True):
    ours, theirs = tokenise(translation), tokenise(reference)
    length += len(ours)
    reference_length += len(theirs)
    for n in range(4):
        a, b = grams(ours, n + 1), grams(theirs, n + 1)
        total[n] += sum(a.values())
        correct[n] += sum((a & b).values())
penalty = 1.0 if length >= reference_length else math.exp(1 - reference_length / length) if length else 0.0
score, smooth, product = 0.0, 1.0, 1.0
if any(correct) and all(total):
    for n in range(4):
        if not correct[n]:
            smooth *= 2
        product *= correct[n] / total[n] if correct[n] else 1 / (smooth * total[n])
    score = 100 * penalty * product ** 0.25
print(*correct, *total, length, reference_length, f"{score:.9f}")
