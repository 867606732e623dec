#!/usr/bin/python3
"""make_random_base.py OUT_DIR [--variant plain|outlier] [--seed 1234] [--dtype float32|float16|bfloat16]
                       [--layers 12] [--hidden 768] [--heads 12] [--ffn 3072] [--vocab 50265] [--maxpos 514]
                       [--position-ids]

Writes a randomly initialised RoBERTa-base-shaped go_emotions checkpoint (config.json + model.safetensors), numpy only.
 plain   : all weight matrices and embeddings normal(0, 0.02), biases 0, LayerNorm gain 1 / bias 0, <pad> rows zero
           (what HF's _init_weights gives).
 outlier : 'realistic' numbers, roughly a trained RoBERTa's: larger, layer-dependent stds, non-zero biases, LayerNorm gains != 1,
           and a few outlier features (dims 77 and 588 of 768, scaled for other sizes) which carry large values through every
           layer; peaked attention; some FFN neurons with big weights; classifier giving logits of about -8 ... +4.
Deterministic for a numpy version (PCG64, seeded per tensor by name, so that tensor order and other tensors do not matter).
"""
import argparse, hashlib, json, os, sys
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "weights",
                                "roberta-tiny-go_emotions", "training"))
import st_io

LABELS = ("admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval disgust "
          "embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief remorse sadness "
          "surprise neutral").split()


def rng_for(seed, name):
    h = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(h))


def build(a):
    H, F, L = a.hidden, a.ffn, a.layers
    out = [min(H - 1, 77 * H // 768), min(H - 1, 588 * H // 768)] if a.variant == "outlier" else []
    T = {}

    def normal(name, shape, std):
        return rng_for(a.seed, name).standard_normal(shape, dtype=np.float32) * np.float32(std)

    def lin(name, o, i, std, bstd):
        w = normal(name + ".weight", (o, i), std)
        if i == H and out:
            w[:, out] *= 0.15      # a trained network reads little from its outlier features
        b = normal(name + ".bias", (o,), bstd) if bstd else np.zeros(o, np.float32)
        T[name + ".weight"], T[name + ".bias"] = w, b
        return w, b

    def ln(name, gain, emb=False):
        if a.variant == "plain":
            T[name + ".weight"], T[name + ".bias"] = np.ones(H, np.float32), np.zeros(H, np.float32)
            return
        r = rng_for(a.seed, name)
        g = (gain * np.exp(0.12 * r.standard_normal(H))).astype(np.float32)
        b = (0.06 * r.standard_normal(H)).astype(np.float32)
        g[out[0]] = 1.2 * gain
        b[out[0]] = -2.0
        g[out[1]] = 0.4 * gain
        b[out[1]] = 5.5
        g[r.integers(0, H, 3)] *= 0.02        # nearly dead features too
        T[name + ".weight"], T[name + ".bias"] = g, b

    re = a.variant == "outlier"
    e = "roberta.embeddings."
    w = normal(e + "word_embeddings.weight", (a.vocab, H), 0.1 if re else 0.02)
    p = normal(e + "position_embeddings.weight", (a.maxpos, H), 0.06 if re else 0.02)
    if re:
        w[:, out[1]] += 0.35
        w *= np.exp(0.25 * rng_for(a.seed, "wordnorm").standard_normal((a.vocab, 1), dtype=np.float32))
        p[:, out[0]] -= 0.25
    w[1] = 0
    p[1] = 0
    T[e + "word_embeddings.weight"], T[e + "position_embeddings.weight"] = w, p
    T[e + "token_type_embeddings.weight"] = normal(e + "token_type_embeddings.weight", (1, H), 0.02)
    ln(e + "LayerNorm", 0.6)
    if a.position_ids:
        T[e + "position_ids"] = np.arange(a.maxpos, dtype=np.int64)[None]
    for i in range(L):
        q = f"roberta.encoder.layer.{i}."
        deep = 1 + 0.5 * i / max(1, L - 1)
        s = 0.04 * deep if re else 0.02
        for n in ("query", "key", "value"):
            w, b = lin(q + "attention.self." + n, H, H, s * (1.8 if n != "value" else 1.0) if re else 0.02, 0.1 if re else 0)
            if re and n == "key":
                w[: H // a.heads] *= 1.7       # one head much peakier than the others
        w, b = lin(q + "attention.output.dense", H, H, 0.8 * s if re else 0.02, 0.03 if re else 0)
        ln(q + "attention.output.LayerNorm", 0.9)
        wi, bi = lin(q + "intermediate.dense", F, H, s, 0.1 if re else 0)
        if re:
            bi -= 0.35
            wi[rng_for(a.seed, q + "bigrow").integers(0, F, 6)] *= 4
        w, b = lin(q + "output.dense", H, F, 0.6 * s if re else 0.02, 0)
        if re:
            w[out[1], rng_for(a.seed, q + "bigcol").integers(0, F, 4)] += 0.5
            # A trained network does not let the mean of gelu(.) swamp the tokens: cancel it in the bias,
            # E[gelu(N(mu, var))] in closed form (inputs taken as unit-rms), then a little noise.
            sg2 = (wi.astype(np.float64) ** 2).sum(1) * 0.9
            t = bi / np.sqrt(1 + sg2)
            erf = np.vectorize(__import__("math").erf)
            eg = bi * 0.5 * (1 + erf(t / np.sqrt(2))) + sg2 / np.sqrt(1 + sg2) * np.exp(-t * t / 2) / np.sqrt(2 * np.pi)
            b -= (w.astype(np.float64) @ eg).astype(np.float32)
            b += normal(q + "output.dense.bias", (H,), 0.03)
        ln(q + "output.LayerNorm", 0.85)
    lin("classifier.dense", H, H, 0.04 if re else 0.02, 0.02 if re else 0)
    w, b = lin("classifier.out_proj", 28, H, 0.14 if re else 0.02, 0.3 if re else 0)
    if re:
        b -= 3.0
    return T


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out_dir")
    ap.add_argument("--variant", default="plain", choices=["plain", "outlier"])
    ap.add_argument("--seed", type=int, default=1234)
    ap.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    for n, v in dict(layers=12, hidden=768, heads=12, ffn=3072, vocab=50265, maxpos=514).items():
        ap.add_argument("--" + n, type=int, default=v)
    ap.add_argument("--position-ids", action="store_true", help="also write the int64 roberta.embeddings.position_ids buffer")
    a = ap.parse_args()
    os.makedirs(a.out_dir, exist_ok=True)
    T = build(a)
    if a.dtype == "float16":
        T = {k: v.astype(np.float16) if v.dtype == np.float32 else v for k, v in T.items()}
    st_io.save(os.path.join(a.out_dir, "model.safetensors"), T, {"format": "pt"},
               bf16={k for k, v in T.items() if v.dtype == np.float32} if a.dtype == "bfloat16" else ())
    cfg = dict(architectures=["RobertaForSequenceClassification"], attention_probs_dropout_prob=0.1, bos_token_id=0,
               classifier_dropout=None, eos_token_id=2, hidden_act="gelu", hidden_dropout_prob=0.1, hidden_size=a.hidden,
               id2label={str(i): l for i, l in enumerate(LABELS)}, initializer_range=0.02, intermediate_size=a.ffn,
               label2id={l: i for i, l in enumerate(LABELS)}, layer_norm_eps=1e-05, max_position_embeddings=a.maxpos,
               model_type="roberta", num_attention_heads=a.heads, num_hidden_layers=a.layers, pad_token_id=1,
               position_embedding_type="absolute", problem_type="multi_label_classification", torch_dtype=a.dtype,
               type_vocab_size=1, use_cache=True, vocab_size=a.vocab)
    json.dump(cfg, open(os.path.join(a.out_dir, "config.json"), "w"), indent=2)
    print(f"{len(T)} tensors, {sum(v.size for v in T.values()):,} values, "
          f"{os.path.getsize(os.path.join(a.out_dir, 'model.safetensors')):,} bytes in {a.out_dir}")


if __name__ == "__main__":
    main()
