#!/usr/bin/python3
"""embedded-model.py > embedded-model.json : PyTorch's logits of the embedded model in 16 bits, for the token ids of
../fixtures/roberta-tiny-golden.json, which holds the logits in float64 and float32. sixteen_bits.py says what "in 16 bits"
is. One text at a time, no padding."""
import json, os, sys
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
weights = os.path.join(here, "..", "..", "weights", "roberta-tiny-go_emotions")
sys.path.insert(0, os.path.join(weights, "training"))
import st_io
from model import RobertaForSequenceClassification
from sixteen_bits import largest_distance, logits16


def main():
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    cases = json.load(open(os.path.join(here, "..", "fixtures", "roberta-tiny-golden.json"), encoding="utf-8"))["cases"]
    w, _ = st_io.load(os.path.join(weights, "model.safetensors"))
    m = RobertaForSequenceClassification(json.load(open(os.path.join(weights, "config.json"))))
    m.load_state_dict({k: torch.from_numpy(np.array(v, np.float32)) for k, v in w.items()})
    m.eval()
    pytorch = logits16(m, [c["input_ids"] for c in cases])
    for name, rows in pytorch.items():
        print(name, largest_distance(rows, [c["logits64"] for c in cases]), file=sys.stderr)
    json.dump(dict(description="PyTorch's logits in 16 bits; see embedded-model.py", torch=torch.__version__,
                   pytorch=pytorch), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
