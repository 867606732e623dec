#!/usr/bin/python3
"""golden.py : fills golden.json with what PyTorch computes on seeded full-size checkpoints, in float64, float32 and 16 bits.

Makes both variants of make_random_base.py in a temporary folder and runs the token ids that golden.json holds, one text at
a time, with the same torch model that trained the embedded one. They are the 23 texts of ../../../bench/texts-23.json, made
by ByteBPE.from_dir with RoBERTa's vocab.json and merges.txt, which are not part of this repository. ../sixteen_bits.py says
what "in 16 bits" is. The hash is of the checkpoint's bytes: with another numpy the seeds may give other weights, which the
figures here say nothing about."""
import hashlib, json, os, subprocess, sys, tempfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, ".."))
sys.path.insert(0, os.path.join(here, "..", "..", "..", "weights", "roberta-tiny-go_emotions", "training"))
import st_io
from model import RobertaForSequenceClassification
from sixteen_bits import largest_distance, logits16


def main():
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    golden = os.path.join(here, "golden.json")
    ids = json.load(open(golden))["input_ids"]
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
            pytorch = dict(float32=[m(torch.tensor([i]))[0].tolist() for i in ids], **logits16(m, ids))
            m.double()
            logits64 = [m(torch.tensor([i]))[0].tolist() for i in ids]
            sha = hashlib.sha256(open(path, "rb").read()).hexdigest()
        doc["variants"][variant] = dict(sha256=sha, logits64=logits64, pytorch=pytorch)
        print(variant, {name: largest_distance(rows, logits64) for name, rows in pytorch.items()},
              "logits", min(map(min, logits64)), max(map(max, logits64)), file=sys.stderr)
    with open(golden, "w") as f:
        json.dump(doc, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
