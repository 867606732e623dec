"""Writes pytorch-trace.safetensors: a trace of the embedded model in Hugging Face's transformers.

    python3 test/golden/pytorch-trace.py

The hook is the one of docs/tracing.md, taken from there. The texts are "a" and the empty one, so that one row of six is
padding; their token ids are those of ../fixtures/roberta-tiny-golden.json. Made with torch 2.13, transformers 5.18 and
safetensors 0.8, on a CPU in float32.
"""

import re
from pathlib import Path

import torch
from transformers import RobertaForSequenceClassification

root = Path(__file__).resolve().parents[2]
code = re.search(r"```python\n(.*?)```", (root / "docs" / "tracing.md").read_text(), re.S).group(1)
exec(code)

weights = root / "weights" / "roberta-tiny-go_emotions"
model = RobertaForSequenceClassification.from_pretrained(weights, dtype=torch.float32)
trace(
    model,
    Path(__file__).with_suffix(".safetensors"),
    input_ids=torch.tensor([[0, 68, 2], [0, 2, 1]]),
    attention_mask=torch.tensor([[1, 1, 1], [1, 1, 0]]),
)
