#!/usr/bin/python3
"""golden.py MODEL_DIR -> MODEL_DIR/golden.json : reference outputs of the exported checkpoint for 64 texts, all written for this.

Per text: text, input_ids (with <s> </s>, truncated to the model's maximum), logits64 (float64 maths), logits32 (torch float32),
truncated (bool). For 4 of them also hidden: fingerprints of the float64 hidden states after the embeddings' LayerNorm and after each layer
(shape, sum, mean_abs, rms, max_abs, first4, last4 in row-major order, weighted = sum x[s][j]*cos(0.1*s+0.01*j)).
One text at a time, no padding."""
import json, os, sys
import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from evaluate import load


def fingerprint(h):
    S, H = h.shape
    w = np.cos(0.1 * np.arange(S)[:, None] + 0.01 * np.arange(H)[None, :])
    return dict(shape=[S, H], sum=float(h.sum()), mean_abs=float(np.abs(h).mean()), rms=float(np.sqrt((h * h).mean())), max_abs=float(np.abs(h).max()),
                weighted=float((h * w).sum()), first4=h.ravel()[:4].tolist(), last4=h.ravel()[-4:].tolist())


def main():
    d = sys.argv[1]
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    cfg, m32, tok = load(d)
    _, m64, _ = load(d)
    m64 = m64.double()
    ml = cfg["max_position_embeddings"] - 2
    everyday = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "bench", "texts-23.json"), encoding="utf-8"))
    fixed = ["", "a", "!", " ", "ok", "I am so happy today!", "I am so happy today!\n", "  leading and   inner   spaces ", "😀", "😭😭😭 I can't believe it", "👩‍👩‍👧‍👦 family time 🏳️‍🌈",
             "Je suis très content aujourd'hui, merci beaucoup !", "Ich habe Angst vor morgen.", "今日はとても嬉しいです。", "Мне очень грустно сегодня.", "أنا سعيد جدا",
             "THANK YOU SO MUCH!!!", "this is so annoying ugh", "I love you <3", "I'm sorry, we can't; they'll've gone. It's 3.14 o'clock — isn't it?",
             "The train leaves at 9 am from platform 4.", "tab\there\r\nnewline", "<mask> and </s> inside text"]
    # texts of 60-128 tokens, of exactly 127, 128 and 129 ("a" is one token each), and two far too long ones
    long = [" ".join(everyday[:k]) for k in (3, 5, 8, 11, 23)] + ["a" + " a" * (ml - 4), "a" + " a" * (ml - 3), "a" + " a" * (ml - 2), "very " * 300 + "sad"]
    odd = ["\u2019tis \u201cquoted\u201d \u2014 really\u2026", "#YES.", "1234567890 3.14159 1e-5", "e\u0301 vs \u00e9", "\u00a0no\u00a0break\u2003wide", "&amp; <b>bold</b> {x: 1}", "I\u2019m so sorry \U0001f92a",
           "supercalifragilisticexpialidocious", "http://example.org/a?b=c#d"]
    texts = fixed + long + odd + everyday
    assert len(texts) == 64
    with_hidden = {5, 8, 12, len(fixed) + 4}     # plain English, one emoji, German, truncated
    out = []
    for i, t in enumerate(texts):
        full = tok.encode(t)
        ids = tok.encode(t, ml)
        x = torch.tensor([ids])
        h = m64.encode(x, all_hidden=True)
        e = dict(text=t, truncated=len(full) > ml, input_ids=ids, logits64=m64.classify(h[-1])[0].tolist(), logits32=[float(v) for v in m32(x)[0]])
        if i in with_hidden:
            e["hidden"] = [fingerprint(v[0].numpy()) for v in h]
        out.append(e)
    gap = max(abs(a - b) for e in out for a, b in zip(e["logits64"], e["logits32"]))
    doc = dict(description="reference outputs; see golden.py", max_length=ml, labels=[cfg["id2label"][str(i)] for i in range(28)],
               max_abs_logit_gap_float32_vs_float64=gap, cases=out)
    json.dump(doc, open(os.path.join(d, "golden.json"), "w"), ensure_ascii=False, indent=None, separators=(",", ":"))
    print(len(out), "cases, lengths", sorted(len(e["input_ids"]) for e in out), "gap", gap, "with hidden", sum("hidden" in e for e in out))


if __name__ == "__main__":
    main()
