"""Sub-transformers of HAT's space0 in PyTorch, as `fleetnas bench translator` has them: a training step, and greedy decoding with kept keys and
values. Sentences of a batch are equally long, so that nothing is padded and nothing masked but what a decoder may not see."""
import json
import math

import torch
import torch.nn.functional as F

from common import ProblemError, Timed, touch_heap
from translator import Transformer, positions, smoothed_loss

BEGIN, END = 0, 1
SMOOTHING, RESIDUAL_DROPOUT, ATTENTION_DROPOUT = 0.1, 0.3, 0.1
ATTENTION, LARGEST_WIDTH, ENCODER_LAYERS = 512, 640, 6
TASKS = ("training", "decoding", "steps")
# width, layers of the decoder, feed-forward width, heads, encoder layers that a decoder layer sees
ARCHES = {"largest": (640, 6, 3072, 8, 3), "middle": (512, 3, 2048, 4, 2), "smallest": (512, 1, 1024, 4, 1)}


def shape_of(arch, vocabulary):
    if arch not in ARCHES:
        raise ProblemError(f"arch={arch}: there are {', '.join(ARCHES)}")
    width, depth, ffn, heads, sources = ARCHES[arch]
    layer = {"ffn": ffn, "heads": heads, "cross_heads": heads, "cross_sources": sources}
    sides = {side: {"width": width, "largest": LARGEST_WIDTH, "layers": [layer] * n} for side, n in (("encoder", ENCODER_LAYERS), ("decoder", depth))}
    return {"vocabulary": vocabulary, "attention": ATTENTION, **sides}


def draw_weights(shape):
    """Of this network alone: nothing is sliced."""
    weights, inner = {}, shape["attention"]

    def linear(name, out, inputs):
        bound = math.sqrt(6 / (out + inputs))
        weights[name + ".weight"], weights[name + ".bias"] = (2 * torch.rand(out, inputs) - 1) * bound, torch.zeros(out)

    def norm(name, width):
        weights[name + ".weight"], weights[name + ".bias"] = torch.ones(width), torch.zeros(width)

    embedding = torch.randn(shape["vocabulary"], shape["encoder"]["width"]) / math.sqrt(shape["encoder"]["width"])
    embedding[END] = 0  # so that no sentence ends before its last word
    weights["embed_tokens.weight"] = embedding
    for side in ("encoder", "decoder"):
        width = shape[side]["width"]
        for i, layer in enumerate(shape[side]["layers"]):
            name = f"{side}.layers.{i}."
            linear(name + "self_attn.in_proj", 3 * inner, width)
            linear(name + "self_attn.out_proj", width, inner)
            norm(name + "self_attn_layer_norm", width)
            linear(name + "fc1", layer["ffn"], width)
            linear(name + "fc2", width, layer["ffn"])
            norm(name + "final_layer_norm", width)
            if side == "decoder":
                linear(name + "encoder_attn.q_proj", inner, width)
                linear(name + "encoder_attn.kv_proj", 2 * inner, shape["encoder"]["width"])
                linear(name + "encoder_attn.out_proj", width, inner)
                norm(name + "encoder_attn_layer_norm", width)
    return weights


# ---- training ----

class Training:
    """Forward, loss and backward; gradients are made anew, which spares zeroing and adding. bf16: by autocast."""

    def __init__(self, values):
        shape = shape_of(values["arch"], values["vocabulary"])
        drop = values["dropout"] == "yes"
        width = shape["encoder"]["width"]
        self.net = Transformer(shape, RESIDUAL_DROPOUT * width / LARGEST_WIDTH * drop, ATTENTION_DROPOUT * drop)
        self.weights = {n: t.requires_grad_() for n, t in draw_weights(shape).items()}
        size = (values["sentences"], values["words"])
        self.source, self.target, self.labels = (torch.randint(END + 1, values["vocabulary"], size) for _ in range(3))
        self.half = values["precision"] == "bf16"

    def run(self):
        for tensor in self.weights.values():
            tensor.grad = None
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.half):
            logits = self.net.forward(self.weights, self.source, self.target)
        logits = logits.float().flatten(0, 1)
        F.cross_entropy(logits, self.labels.flatten(), label_smoothing=SMOOTHING, reduction="sum").backward()


# ---- decoding ----

class Decoding:
    """Says `words` words a sentence; the last is the end. Keys and values of what was said lie in memory made once."""

    def __init__(self, net, weights, source, words):
        self.net, self.weights, self.source, self.words = net, weights, source, words
        self.side, self.inner = net.shape["decoder"], net.shape["attention"]
        self.dtype = weights["embed_tokens.weight"].dtype
        self.position = positions(words, self.side["largest"], self.dtype)[:, : self.side["width"]]
        kept = [torch.empty(2, len(source), layer["heads"], words, self.inner // layer["heads"], dtype=self.dtype) for layer in self.side["layers"]]
        self.kept = kept

    def heads(self, x, heads):
        return x.view(len(self.source), -1, heads, self.inner // heads).transpose(1, 2)

    def attend(self, q, k, v):
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        return (torch.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(len(self.source), self.inner)

    def memory(self, encoded):
        """Keys and values of what the encoder gave, by layer."""
        for i, layer in enumerate(self.side["layers"]):
            seen = torch.cat([encoded[-1 - j] for j in range(layer["cross_sources"])], dim=1)
            k, v = self.net.linear(self.weights, f"decoder.layers.{i}.encoder_attn.kv_proj", seen).chunk(2, dim=-1)
            yield self.heads(k, layer["cross_heads"]).contiguous(), self.heads(v, layer["cross_heads"]).contiguous()

    def layer(self, i, x, step, memory):
        net, weights, layer, name = self.net, self.weights, self.side["layers"][i], f"decoder.layers.{i}"
        q, k, v = (self.heads(t, layer["heads"]) for t in net.linear(weights, name + ".self_attn.in_proj", x).chunk(3, dim=-1))
        self.kept[i][0, :, :, step : step + 1], self.kept[i][1, :, :, step : step + 1] = k, v
        seen = self.kept[i][:, :, :, : step + 1]
        branch = net.linear(weights, name + ".self_attn.out_proj", self.attend(q, seen[0], seen[1]))
        x = net.end(weights, name + ".self_attn_layer_norm", x, branch)
        q = self.heads(net.linear(weights, name + ".encoder_attn.q_proj", x), layer["cross_heads"])
        branch = net.linear(weights, name + ".encoder_attn.out_proj", self.attend(q, *memory))
        return net.feed_forward(weights, name, net.end(weights, name + ".encoder_attn_layer_norm", x, branch))

    def step(self, words, step, memory):
        table, width = self.weights["embed_tokens.weight"], self.side["width"]
        x = F.embedding(words, table)[:, :width] * math.sqrt(width) + self.position[step]
        for i, kept in enumerate(memory):
            x = self.layer(i, x, step, kept)
        return F.linear(x, table[:, :width])

    def encode(self):
        with torch.inference_mode():
            return list(self.memory(self.net.encode(self.weights, self.source)))

    def say(self, memory, scored=False):
        """[sentences, words], and the words' log probabilities together where they are wanted."""
        with torch.inference_mode():
            word, said, score = torch.full((len(self.source),), BEGIN), [], 0
            for step in range(self.words):
                logits = self.step(word, step, memory)
                logs = F.log_softmax(logits, dim=-1) if scored else None
                logits[:, BEGIN] = -math.inf
                word = logits.argmax(dim=-1) if step + 1 < self.words else torch.full_like(word, END)
                said.append(word)
                if scored:
                    score = score + logs.gather(-1, word[:, None])[:, 0]
            return torch.stack(said, dim=1), score

    def run(self, scored=False):
        return self.say(self.encode(), scored)


def make_translator(mode, values):
    if mode == "tuned":
        touch_heap(1 << 30)
    if values["task"] not in TASKS:
        raise ProblemError(f"task={values['task']}: there are {', '.join(TASKS)}")
    if values["task"] == "training":
        return Timed(Training(values).run)
    shape = shape_of(values["arch"], values["vocabulary"])
    weights = {n: t.bfloat16() if values["precision"] == "bf16" else t for n, t in draw_weights(shape).items()}
    source = torch.randint(END + 1, values["vocabulary"], (values["sentences"], values["words"]))
    decoding = Decoding(Transformer(shape), weights, source, values["words"])
    if values["task"] == "steps":
        memory = decoding.encode()
        return Timed(lambda: decoding.say(memory))
    return Timed(decoding.run)


# ---- comparing a dump ----

BOUND = 1e-4  # relative to a tensor's largest magnitude; of a gradient, to its length
ROUNDED_BOUND = 5e-3  # of scores, where the steps' weights are in bf16 (src/bench/translation_check.c)


def rows_of(tensors, name, start):
    """Sentences of a dump are equally long."""
    return tensors[name].long().view(len(tensors[start]) - 1, -1)


def compare_training(net, weights, largest, tensors, smoothing):
    logits = net.forward(weights, rows_of(tensors, "source", "source_start"), rows_of(tensors, "input", "target_start")).flatten(0, 1)
    loss = smoothed_loss(logits, tensors["label"].long(), smoothing)
    loss.backward()
    found = {"loss": (abs(tensors["loss"].item() - loss.item()) / abs(loss.item()))}
    found["logits"] = ((tensors["logits"] - logits).abs().max() / logits.abs().max()).item()
    for name, leaf in largest.items():
        exact = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        found["gradient/" + name] = ((tensors["gradient/" + name] - exact).norm() / max(exact.norm().item(), 1e-6)).item()
    worst = max((n for n in found if n.startswith("gradient/")), key=lambda n: found[n])
    text = f"loss {found['loss']:.2g}, logits {found['logits']:.2g}, worst of {len(largest)} gradients {found[worst]:.2g} ({worst})"
    return {n: d for n, d in found.items() if not d <= BOUND}, f"{len(tensors['label'])} words: {text}"


def compare_decoding(net, weights, tensors, bound):
    words = tensors["words"].long()
    said, score = Decoding(net, weights, rows_of(tensors, "source", "source_start"), words.shape[1]).run(scored=True)
    found = {"words": float((said != words).sum().item()), "scores": ((tensors["scores"] - score).abs() / (1 + score.abs())).max().item()}
    text = f"{words.numel()} words decoded: {int(found['words'])} differ, scores {found['scores']:.2g}"
    return {n: d for n, d in found.items() if not d <= bound}, text


def compare(tensors, metadata):
    """Against what PyTorch computes in double precision from the same weights."""
    net = Transformer(json.loads(metadata["shape"]))
    training = metadata["task"] == "training"
    largest = {n.removeprefix("parameter/"): t.double() for n, t in tensors.items() if n.startswith("parameter/")}
    for leaf in largest.values():
        leaf.requires_grad_(training)
    weights = net.slices(largest)
    if training:
        failed, text = compare_training(net, weights, largest, tensors, float(metadata["smoothing"]))
    else:
        bound = ROUNDED_BOUND if metadata["precision"] == "bf16" else BOUND
        failed, text = compare_decoding(net, weights, tensors, bound)
    print(text)
    return failed
