"""Writes metrics.json: what numpy gives, in float64, for the metrics of src/precision/metrics.ts.

Elements are numbers of their dtype, exactly; NaN and infinities are strings. The spacing of float32 and float16 is
numpy.spacing's; that of bfloat16, which numpy lacks, is by the formula with numpy.frexp.

    python3 test/golden/metrics.py && npx biome format --write test/golden/metrics.json

Made with numpy 2.4.
"""

import json
from pathlib import Path

import numpy as np

EMIN = {"float32": -126, "float16": -14, "bfloat16": -126}
MANTISSA = {"float32": 23, "float16": 10, "bfloat16": 7}
rng = np.random.default_rng(20251124)


def rounded(values, dtype):
    values = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        if dtype == "float16":
            return values.astype(np.float16).astype(np.float64)
        if dtype == "float32":
            return values.astype(np.float32).astype(np.float64)
    # Values of float32 cut to their upper half are numbers of bfloat16, whichever way that rounds.
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)


def spacing(b, dtype):
    if dtype == "float32":
        return np.spacing(np.abs(b).astype(np.float32)).astype(np.float64)
    if dtype == "float16":
        return np.spacing(np.abs(b).astype(np.float16)).astype(np.float64)
    exponent = np.frexp(b)[1] - 1
    exponent = np.where(b == 0, EMIN[dtype], np.maximum(exponent, EMIN[dtype]))
    return 2.0 ** (exponent - MANTISSA[dtype])


def metrics(n, b, dtype):
    both = np.isfinite(n) & np.isfinite(b)
    same = both | (np.isnan(n) & np.isnan(b)) | (n == b)
    non_finite = {
        "actualNaN": np.isnan(n).sum(),
        "expectedNaN": np.isnan(b).sum(),
        "actualInf": np.isinf(n).sum(),
        "expectedInf": np.isinf(b).sum(),
        "disagreements": (~same).sum(),
    }
    count = len(n)
    worst = int(np.argmin(same)) if not same.all() else None
    positions = np.flatnonzero(both)
    n, b = n[both], b[both]
    e = np.abs(n - b)
    if worst is None and e.size and e.max() > 0:
        worst = int(positions[np.argmax(e)])
    norms = [np.linalg.norm(n), np.linalg.norm(b)]
    zeros = norms.count(0.0)
    re = e / np.maximum(np.abs(b), 2.0 ** EMIN[dtype])
    ulp = e / spacing(b, dtype)
    rl2 = np.linalg.norm(n - b) / norms[1] if norms[1] else None
    edges = [0.0, *[2.0**k for k in range(-1, 25)]]
    counts = [int((ulp == 0).sum())]
    counts += [int(((ulp > lo) & (ulp <= hi)).sum()) for lo, hi in zip(edges, edges[1:])]
    counts.append(int((ulp > edges[-1]).sum()))
    while counts[-1] == 0:
        counts.pop()
    return {
        "count": count,
        "cosine": {0: np.dot(n, b) / (norms[0] * norms[1] or 1), 1: 0, 2: 1}[zeros],
        "maxAbs": e.max(),
        "worst": worst,
        "mae": e.mean(),
        "rmse": np.sqrt(np.mean(e**2)),
        "relativeL2": rl2,
        "nmse": None if rl2 is None else rl2**2,
        "effectiveBits": None if rl2 is None else 53 if rl2 == 0 else -np.log2(rl2),
        "relative": {
            "max": re.max(),
            "mean": re.mean(),
            "p99": np.percentile(re, 99),
            "shareBelow": {k: (re < float(k)).mean() for k in ("1e-2", "5e-3", "1e-3", "1e-4")},
        },
        "ulp": {
            "max": ulp.max(),
            "mean": ulp.mean(),
            "p99": np.percentile(ulp, 99),
            "shareAbove1": (ulp > 1).mean(),
            "shareAbove32": (ulp > 32).mean(),
            "histogram": counts,
        },
        "errorBalance": abs(int((n > b).sum()) - int((n < b).sum())) / len(n),
        "nonFinite": non_finite,
    }


def number(value):
    if isinstance(value, dict):
        return {key: number(v) for key, v in value.items()}
    if isinstance(value, list):
        return [number(v) for v in value]
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, np.integer):
        return int(value)
    value = float(value)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


cases = []


def case(name, dtype, actual, expected):
    n, b = rounded(actual, dtype), rounded(expected, dtype)
    cases.append({"name": name, "dtype": dtype, "actual": number(list(n)), "expected": number(list(b)),
                  "metrics": number(metrics(n, b, dtype))})


for dtype in EMIN:
    eps, tiny = 2.0 ** -MANTISSA[dtype], 2.0 ** EMIN[dtype]
    normal = rng.standard_normal(60)
    case("errors of a few units in the last place", dtype, normal * (1 + eps * rng.integers(-3, 4, 60)), normal)
    case("errors of all sizes", dtype, normal * (1 + 10.0 ** rng.uniform(-8, 1, 60)), normal)
    case("identical", dtype, normal, normal)
    case("the other sign", dtype, -normal, normal)
    case("too large, all of them", dtype, np.abs(normal) * (1 + 8 * eps), np.abs(normal))
    case("expected zero", dtype, normal, np.zeros(60))
    case("actual zero", dtype, np.zeros(60), normal)
    case("both zero", dtype, np.zeros(4), -np.zeros(4))
    case("one element", dtype, [1 + eps], [1])
    edge = tiny * np.array([2, 1 + eps, 1, 1 - eps, 0.5, 4 * eps, eps, 0, -eps, -1, -2])
    case("around the smallest normal number", dtype, edge + tiny * eps * np.array([0, 1, -1, 1, 2, 0, -1, 1, 1, 3, -4]), edge)
    special = np.array([np.nan, np.inf, -np.inf, 1, 2, 3])
    case("NaN and infinities in the same places", dtype, special + np.array([0, 0, 0, 0, 0.5, 0]), special)
    case("NaN and infinities in different places", dtype, [1, np.nan, np.inf, -np.inf, np.nan, 5, 6],
         [1, np.nan, np.inf, np.inf, 5, np.inf, 7])

Path(__file__).with_suffix(".json").write_text(json.dumps(cases))
print(len(cases), "cases")
