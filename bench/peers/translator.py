"""The encoder-decoder Transformer of HAT's space in PyTorch: post-norm, sinusoids as fairseq's, one embedding for all. Sentences are padded and
masked, as everybody does in PyTorch."""
import math

import torch
import torch.nn.functional as F

FIRST_POSITION = 2  # fairseq counts behind its padding symbol


def positions(length, width, dtype):
    half = width // 2
    rate = torch.exp(torch.arange(half, dtype=torch.float64) * -(math.log(10000.0) / max(half - 1, 1)))
    angle = (torch.arange(length, dtype=torch.float64) + FIRST_POSITION)[:, None] * rate[None, :]
    table = torch.cat([angle.sin(), angle.cos()], dim=1)
    return F.pad(table, (0, width - 2 * half)).to(dtype)


class Transformer:
    """shape: {"vocabulary", "attention", "encoder", "decoder"}, the sides {"width", "largest", "layers": [{"ffn", "heads", "cross_heads",
    "cross_sources"}]}. Weights are a dictionary by fairseq's names, of the sub-network or of the largest network (slices)."""

    def __init__(self, shape, dropout=0.0, attention_dropout=0.0):
        self.shape, self.attention, self.dropout, self.attention_dropout = shape, shape["attention"], dropout, attention_dropout
        self.position = {}

    def slices(self, largest):
        """Of the weights of the largest network, those of this one."""
        weights, e, d = {}, self.shape["encoder"]["width"], self.shape["decoder"]["width"]
        weights["embed_tokens.weight"] = largest["embed_tokens.weight"]
        for side, width in (("encoder", e), ("decoder", d)):
            for i, layer in enumerate(self.shape[side]["layers"]):
                sizes = {"self_attn.in_proj": (None, width), "self_attn.out_proj": (width, None), "self_attn_layer_norm": (width,),
                         "fc1": (layer["ffn"], width), "fc2": (width, layer["ffn"]), "final_layer_norm": (width,)}
                if side == "decoder":
                    sizes.update({"encoder_attn.q_proj": (None, d), "encoder_attn.kv_proj": (None, e), "encoder_attn.out_proj": (d, None),
                                  "encoder_attn_layer_norm": (d,)})
                for name, size in sizes.items():
                    full = f"{side}.layers.{i}.{name}"
                    weight = largest[full + ".weight"]
                    weights[full + ".weight"] = weight[tuple(slice(n) for n in size)]
                    weights[full + ".bias"] = largest[full + ".bias"][: size[0]]
        return weights

    def embed(self, weights, ids, side):
        width, largest = self.shape[side]["width"], self.shape[side]["largest"]
        x = F.embedding(ids, weights["embed_tokens.weight"])[..., :width] * math.sqrt(width)
        key = (side, ids.shape[1])
        if key not in self.position:
            self.position[key] = positions(ids.shape[1], largest, x.dtype)[:, :width]
        return F.dropout(x + self.position[key], self.dropout, self.dropout > 0)

    def end(self, weights, name, x, branch):
        branch = F.dropout(branch, self.dropout, self.dropout > 0)
        return F.layer_norm(x + branch, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], 1e-5)

    def attend(self, heads, q, k, v, mask):
        batch, queries, _ = q.shape
        width = self.attention // heads
        q, k, v = (t.view(batch, -1, heads, width).transpose(1, 2) for t in (q * width**-0.5, k, v))
        scores = q @ k.transpose(-1, -2)
        if mask is not None:
            scores = scores + mask
        p = F.dropout(torch.softmax(scores, dim=-1), self.attention_dropout, self.attention_dropout > 0)
        return (p @ v).transpose(1, 2).reshape(batch, queries, self.attention)

    def linear(self, weights, name, x):
        return F.linear(x, weights[name + ".weight"], weights[name + ".bias"])

    def self_attention(self, weights, name, layer, x, mask):
        q, k, v = self.linear(weights, name + ".self_attn.in_proj", x).chunk(3, dim=-1)
        out = self.linear(weights, name + ".self_attn.out_proj", self.attend(layer["heads"], q, k, v, mask))
        return self.end(weights, name + ".self_attn_layer_norm", x, out)

    def cross_attention(self, weights, name, layer, x, encoded, mask):
        sources = layer["cross_sources"]
        memory = torch.cat([encoded[-1 - j] for j in range(sources)], dim=1)
        q = self.linear(weights, name + ".encoder_attn.q_proj", x)
        k, v = self.linear(weights, name + ".encoder_attn.kv_proj", memory).chunk(2, dim=-1)
        mask = None if mask is None else mask.repeat(1, 1, 1, sources)
        out = self.linear(weights, name + ".encoder_attn.out_proj", self.attend(layer["cross_heads"], q, k, v, mask))
        return self.end(weights, name + ".encoder_attn_layer_norm", x, out)

    def feed_forward(self, weights, name, x):
        hidden = F.relu(self.linear(weights, name + ".fc1", x))
        return self.end(weights, name + ".final_layer_norm", x, self.linear(weights, name + ".fc2", hidden))

    def encode(self, weights, source, mask=None):
        x, encoded = self.embed(weights, source, "encoder"), []
        for i, layer in enumerate(self.shape["encoder"]["layers"]):
            name = f"encoder.layers.{i}"
            x = self.feed_forward(weights, name, self.self_attention(weights, name, layer, x, mask))
            encoded.append(x)
        return encoded

    def decode(self, weights, encoded, target, mask=None):
        x, length = self.embed(weights, target, "decoder"), target.shape[1]
        causal = torch.full((length, length), -math.inf, dtype=x.dtype).triu(1)
        for i, layer in enumerate(self.shape["decoder"]["layers"]):
            name = f"decoder.layers.{i}"
            x = self.self_attention(weights, name, layer, x, causal)
            x = self.cross_attention(weights, name, layer, x, encoded, mask)
            x = self.feed_forward(weights, name, x)
        return F.linear(x, weights["embed_tokens.weight"][:, : x.shape[-1]])

    def forward(self, weights, source, target, padding=None):
        """padding [batch][source] is true where there is no token."""
        mask = None
        if padding is not None:
            mask = torch.zeros(padding.shape, dtype=weights["embed_tokens.weight"].dtype).masked_fill(padding, -math.inf)[:, None, None, :]
        return self.decode(weights, self.encode(weights, source, mask), target, mask)


def smoothed_loss(logits, labels, smoothing):
    """Sum over tokens, the rest of the probability spread over the whole vocabulary."""
    logs = F.log_softmax(logits, dim=-1)
    return -(1 - smoothing) * logs.gather(-1, labels[:, None]).sum() - smoothing * logs.mean(dim=-1).sum()
