"""Writes operators.json: what PyTorch gives for a few small cases of each operator.

Every case holds the inputs, rounded to their dtype; `exact`, PyTorch's result in float64 on these
inputs; and `native`, its result in the dtype itself, or null where it has no CPU kernel for it.
All numbers are exact; NaN, infinities and integers beyond 2^53 are strings.

    python3 test/golden/operators.py && npx biome format --write test/golden/operators.json

Made with PyTorch 1.13. GELU, tanh and sigmoid get arguments within ±4, as PyTorch's own float64
results lose digits for larger negative ones.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int32": torch.int32,
    "int64": torch.int64,
    "bool": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
FLOATS = ("float32", "float16", "bfloat16")

torch.manual_seed(20240229)
cases = []


def number(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def stored(tensor):
    if tensor is None:
        return None
    wide = tensor.double() if tensor.is_floating_point() else tensor
    return {
        "dtype": NAMES.get(tensor.dtype, "float64"),
        "shape": list(tensor.shape),
        "data": [number(value) for value in wide.flatten().tolist()],
    }


def native_result(compute, inputs):
    try:
        return compute(*inputs)
    except RuntimeError as error:
        if "not implemented for" not in str(error):
            raise
        return None


def case(operator, name, compute, inputs, attributes=None, native=True):
    """`compute` takes the inputs as they are, and once more with the floats in float64."""
    wide = [x.double() if x is not None and x.is_floating_point() else x for x in inputs]
    cases.append(
        {
            "operator": operator,
            "name": name,
            "inputs": [stored(x) for x in inputs],
            "attributes": attributes or {},
            "exact": stored(compute(*wide)),
            "native": stored(native_result(compute, inputs)) if native else None,
        }
    )


def movement(operator, name, compute, inputs, attributes=None):
    cases.append(
        {
            "operator": operator,
            "name": name,
            "inputs": [stored(x) for x in inputs],
            "attributes": attributes or {},
            "exact": None,
            "native": stored(compute(*inputs)),
        }
    )


def masked_softmax(lowest, scale):
    def compute(z, mask):
        return torch.softmax((z * scale).masked_fill(mask, lowest), dim=-1)

    return compute


def attention(heads, lengths, lowest):
    """Scaled dot-product attention written out; `lengths` rows for each text."""

    def compute(query, key, value, mask=None):
        size = query.shape[1] // heads
        results = []
        start = 0
        for text, length in enumerate(lengths):
            rows = slice(start, start + length)
            start += length
            q, k, v = (x[rows].view(length, heads, size).transpose(0, 1) for x in (query, key, value))
            scores = q @ k.transpose(1, 2) / math.sqrt(size)
            if mask is not None:
                scores = scores.masked_fill(mask[text], lowest)
            context = torch.softmax(scores, dim=-1) @ v
            results.append(context.transpose(0, 1).reshape(length, -1))
        return torch.cat(results)

    return compute


for dtype_name in FLOATS:
    dtype = DTYPES[dtype_name]

    def normal(*shape, deviation=1.0, mean=0.0):
        return (torch.randn(*shape, dtype=torch.float64) * deviation + mean).to(dtype)

    def special(*values):
        return torch.tensor(values, dtype=torch.float64).to(dtype)

    lowest = torch.finfo(dtype).min
    infinity, nan = math.inf, math.nan

    movement(
        "embedding",
        "two axes of indices",
        lambda indices, weight: F.embedding(indices, weight),
        [torch.tensor([[4, 0], [2, 2]]), normal(5, 3)],
    )
    case("add", "broadcast", torch.add, [normal(2, 3), normal(3)])
    case("mul", "broadcast", torch.mul, [normal(2, 1, 3), normal(4, 1)])
    specials = special(infinity, -infinity, nan, 0.0, -0.0, 2.5)
    case("add", "special values", torch.add, [specials.unsqueeze(1), specials])
    case("mul", "special values", torch.mul, [specials.unsqueeze(1), specials])
    case("matmul", "a batch", torch.matmul, [normal(2, 3, 7), normal(2, 7, 4)])
    case("matmul", "one matrix for a batch", torch.matmul, [normal(2, 2, 5), normal(5, 3)])
    case("linear", "with bias", F.linear, [normal(3, 16), normal(5, 16), normal(5)])
    case("linear", "without bias", F.linear, [normal(2, 2, 9), normal(4, 9), None])
    for name, rows, eps in (
        ("eps 1e-5", normal(3, 8), 1e-5),
        ("eps 1e-12, far from zero", normal(2, 12, mean=50.0), 1e-12),
        ("a constant row", torch.full((1, 4), 3.0, dtype=dtype), 1e-5),
    ):
        case(
            "layer_norm",
            name,
            lambda x, w, b, eps=eps: F.layer_norm(x, w.shape, w, b, eps),
            [rows, normal(rows.shape[-1]), normal(rows.shape[-1])],
            {"eps": eps},
            # Far from zero PyTorch's own kernels lose digits that a tolerance cannot ask for.
            native="far" not in name,
        )
    case("softmax", "last axis", lambda x: torch.softmax(x, -1), [normal(3, 5, deviation=4.0)])
    case("softmax", "first axis", lambda x: torch.softmax(x, 0), [normal(4, 3)], {"axis": 0})
    mask = torch.tensor([[[False, True, False, True]], [[True, True, True, True]]])
    case(
        "softmax",
        "scaled, masked, one row hidden entirely",
        masked_softmax(lowest, 0.125),
        [normal(2, 3, 4, deviation=9.0), mask],
        {"scale": 0.125},
    )
    points = torch.cat([special(*[i / 4 for i in range(-16, 17)]), special(1e-6, -1e-6, -0.0)])
    ends = special(infinity, -infinity, nan)
    for form in ("none", "tanh"):
        for name, x in (("from -4 to 4", points), ("special values", ends)):
            case(
                "gelu",
                f"{form}, {name}",
                lambda x, form=form: F.gelu(x, approximate=form),
                [x],
                {"approximate": form},
            )
    for operator, compute in (("tanh", torch.tanh), ("sigmoid", torch.sigmoid)):
        case(operator, "from -4 to 4", compute, [points])
        case(operator, "special values", compute, [ends])
    case(
        "attention",
        "packed texts",
        attention(2, [5, 3], lowest),
        [normal(8, 6), normal(8, 6), normal(8, 6)],
        {"numHeads": 2, "lengths": [5, 3]},
    )
    case(
        "attention",
        "padded texts",
        attention(2, [3, 3], lowest),
        [normal(6, 4), normal(6, 4), normal(6, 4), torch.tensor([[False] * 3, [False, True, True]])],
        {"numHeads": 2, "lengths": [3, 3]},
    )

# Conversions that PyTorch defines: a float outside of an integer's range is not among them.
WHOLE = [0.0, -0.0, 1.0, -1.5, 1.999, -2.5, 100.75, 0.49]
FLOAT_VALUES = WHOLE + [65519.0, 65520.0, 2049.0, 2051.0, 257.0, 259.0, 1e-7, 3e-8, 2.0**-25]
SPECIAL_VALUES = [math.nan, math.inf, -math.inf, 3e38, -1e30, 1e-40]
INTEGERS = [0, 1, -1, 127, 2049, 2051, -2051, 65519, 65520, 16777217, 16777219, 2147483647]
for source_name, source in DTYPES.items():
    for target_name, target in DTYPES.items():
        if source.is_floating_point:
            values = WHOLE if target_name.startswith("int") else FLOAT_VALUES + SPECIAL_VALUES
            given = torch.tensor(values, dtype=torch.float64).to(source)
        elif source_name == "bool":
            given = torch.tensor([True, False])
        elif source_name == "int64":
            large = [2**53 - 1, 2**62 + 1, -(2**63), 2**40 + 2**16, 2**32 + 5, 2**33 + 2**31]
            # Just above a midpoint of float32, which float64 cannot tell from the midpoint.
            large += [2**62 + 2**38 + 1, -(2**62) - 2**38 - 1]
            given = torch.tensor(INTEGERS + large, dtype=source)
        else:
            given = torch.tensor(INTEGERS + [-(2**31)], dtype=source)
        movement(
            "cast",
            f"{source_name} to {target_name}",
            lambda x, target=target: x.to(target),
            [given],
            {"dtype": target_name},
        )

golden = {
    "generator": "python3 test/golden/operators.py",
    "torch": torch.__version__,
    "cases": cases,
}
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden) + "\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
