#!/usr/bin/python3
"""golden.py TOKENIZER_DIR > golden.json : what PyTorch computes on seeded full-size checkpoints, in float64 and float32.

Makes both variants of make_random_base.py in a temporary folder and runs the 23 texts of ../../fixtures/texts-23.json on
each, one at a time, with the same torch model that trained the embedded one. TOKENIZER_DIR holds RoBERTa's vocab.json and
merges.txt. The hash is of the checkpoint's bytes: with another numpy the seeds may give other weights, which the figures
here say nothing about."""
import hashlib, json, os, subprocess, sys, tempfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "..", "weights", "roberta-tiny-go_emotions", "training"))
import st_io
from bbpe import ByteBPE
from model import RobertaForSequenceClassification


def main():
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    tok = ByteBPE.from_dir(sys.argv[1])
    texts = json.load(open(os.path.join(here, "..", "..", "fixtures", "texts-23.json"), encoding="utf-8"))
    ids = [tok.encode(t) for t in texts]
    doc = dict(description="PyTorch's logits on seeded full-size checkpoints; see golden.py", torch=torch.__version__,
               numpy=np.__version__, input_ids=ids, variants={})
    for variant in ("plain", "outlier"):
        with tempfile.TemporaryDirectory() as d:
            subprocess.run([sys.executable, os.path.join(here, "make_random_base.py"), d, "--variant", variant],
                           check=True, stdout=sys.stderr)
            path = os.path.join(d, "model.safetensors")
            cfg = json.load(open(os.path.join(d, "config.json")))
            w, _ = st_io.load(path)
            m = RobertaForSequenceClassification(cfg)
            m.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in w.items()})
            m.eval()
            logits32 = [m(torch.tensor([i]))[0].tolist() for i in ids]
            m.double()
            logits64 = [m(torch.tensor([i]))[0].tolist() for i in ids]
            sha = hashlib.sha256(open(path, "rb").read()).hexdigest()
        gap = max(abs(a - b) for x, y in zip(logits64, logits32) for a, b in zip(x, y))
        doc["variants"][variant] = dict(sha256=sha, max_abs_logit_gap_float32_vs_float64=gap,
                                        logits64=logits64, logits32=logits32)
        print(variant, "gap", gap, "logits", min(map(min, logits64)), max(map(max, logits64)), file=sys.stderr)
    json.dump(doc, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
