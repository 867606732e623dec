#!/usr/bin/python3
"""make_variants.py : small random RoBERTa checkpoints that differ from the embedded model in every way config.json allows,
with the logits that a float64 forward pass written here in numpy gives. Writes NAME/config.json, NAME/model.safetensors and
NAME/golden.json beside this file. Weights are float32 (or rounded to what the variant stores) and used as stored.

 gelu-new      three layers, tanh-form GELU, single label, two token types, eps 1e-12, padding id 5
 no-prefix     keys without `roberta.`, the position_ids buffer, bfloat16 weights, erf GELU, problem_type not set
"""
import json, math, os, sys
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "..", "weights", "roberta-tiny-go_emotions", "training"))
import st_io

erf = np.vectorize(math.erf)


def gelu(x, act):
    if act == "gelu":
        return x * 0.5 * (1 + erf(x / math.sqrt(2)))
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def norm(x, w, name, eps):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * w[name + ".weight"] + w[name + ".bias"]


def dense(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def forward(c, w, ids):
    pad, heads, eps = c["pad_token_id"], c["num_attention_heads"], c["layer_norm_eps"]
    ids = np.array(ids)
    real = ids != pad
    positions = np.cumsum(real) * real + pad
    e = "roberta.embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][positions] + w[e + "token_type_embeddings.weight"][0]
    x = norm(x, w, e + "LayerNorm", eps)
    n, width = x.shape
    split = lambda t: t.reshape(n, heads, width // heads).transpose(1, 0, 2)
    for i in range(c["num_hidden_layers"]):
        p = f"roberta.encoder.layer.{i}."
        q, k, v = (split(dense(x, w, p + "attention.self." + t)) for t in ("query", "key", "value"))
        s = q @ k.transpose(0, 2, 1) / math.sqrt(width // heads)
        s = np.exp(s - s.max(-1, keepdims=True))
        a = (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(n, width)
        x = norm(dense(a, w, p + "attention.output.dense") + x, w, p + "attention.output.LayerNorm", eps)
        y = gelu(dense(x, w, p + "intermediate.dense"), c["hidden_act"])
        x = norm(dense(y, w, p + "output.dense") + x, w, p + "output.LayerNorm", eps)
    return dense(np.tanh(dense(x[0], w, "classifier.dense")), w, "classifier.out_proj")


def weights(c, labels, seed):
    r = np.random.default_rng(seed)
    H, F = c["hidden_size"], c["intermediate_size"]
    w = {}
    lin = lambda n, o, i: w.update({n + ".weight": r.normal(0, 1.5 / math.sqrt(i), (o, i)), n + ".bias": r.normal(0, 0.3, o)})
    ln = lambda n: w.update({n + ".weight": r.normal(1, 0.2, H), n + ".bias": r.normal(0, 0.2, H)})
    e = "roberta.embeddings."
    for n, k in (("word", "vocab_size"), ("position", "max_position_embeddings"), ("token_type", "type_vocab_size")):
        w[f"{e}{n}_embeddings.weight"] = r.normal(0, 0.5, (c[k], H))
    ln(e + "LayerNorm")
    for i in range(c["num_hidden_layers"]):
        p = f"roberta.encoder.layer.{i}."
        for n in ("query", "key", "value"):
            lin(p + "attention.self." + n, H, H)
        lin(p + "attention.output.dense", H, H); ln(p + "attention.output.LayerNorm")
        lin(p + "intermediate.dense", F, H); lin(p + "output.dense", H, F); ln(p + "output.LayerNorm")
    lin("classifier.dense", H, H); lin("classifier.out_proj", labels, H)
    return {k: v.astype(np.float32) for k, v in w.items()}


def main():
    common = dict(model_type="roberta", architectures=["RobertaForSequenceClassification"], vocab_size=60)
    variants = {
        "gelu-new": dict(common, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=40,
                         max_position_embeddings=24, hidden_act="gelu_new", type_vocab_size=2, layer_norm_eps=1e-12,
                         pad_token_id=5, problem_type="single_label_classification",
                         id2label={"0": "negative", "1": "neutral", "2": "positive"}),
        "no-prefix": dict(common, hidden_size=24, num_hidden_layers=1, num_attention_heads=3, intermediate_size=50,
                          max_position_embeddings=18, hidden_act="gelu", type_vocab_size=1, layer_norm_eps=1e-5,
                          pad_token_id=1, id2label={"0": "no", "1": "yes"}),
    }
    r = np.random.default_rng(7)
    for seed, (name, c) in enumerate(variants.items()):
        d = os.path.join(here, name)
        os.makedirs(d, exist_ok=True)
        w = weights(c, len(c["id2label"]), seed)
        stored, bf16 = dict(w), set()
        if name == "no-prefix":
            bf16 = {k.removeprefix("roberta.") for k in w}
            as_stored = {k: (st_io._np_to_bf16(v).astype(np.uint32) << 16).view(np.float32) for k, v in w.items()}
            stored = {k.removeprefix("roberta."): v for k, v in w.items()}
            stored["embeddings.position_ids"] = np.arange(c["max_position_embeddings"], dtype=np.int64)[None]
            w = as_stored
        st_io.save(os.path.join(d, "model.safetensors"), stored, {"format": "pt"}, bf16=bf16)
        json.dump(c, open(os.path.join(d, "config.json"), "w"), indent=1)
        pad = c["pad_token_id"]
        longest = c["max_position_embeddings"] - pad - 1
        lengths = (2, 3, 7, longest)
        ids = [[0] + [int(t) for t in r.integers(6, 60, n - 2)] + [2] for n in lengths]
        ids[2][3] = pad        # a padding token spelled out within a text
        w64 = {k: v.astype(np.float64) for k, v in w.items()}
        golden = dict(description="float64 logits; see ../make_variants.py", numpy=np.__version__, input_ids=ids,
                      logits64=[forward(c, w64, i).tolist() for i in ids])
        json.dump(golden, open(os.path.join(d, "golden.json"), "w"), indent=1)
        print(name, golden["logits64"][2])


if __name__ == "__main__":
    main()
