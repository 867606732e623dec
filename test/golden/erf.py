"""Writes erf.json: erf, erfc and GELU at chosen points, computed with 60 digits and rounded once.

    python3 test/golden/erf.py && npx biome format --write test/golden/erf.json

Needs mpmath (Debian: python3-mpmath). Made with mpmath 1.2.1.
"""

import json
import random
from pathlib import Path

import mpmath
from mpmath import mpf

mpmath.mp.dps = 60

generator = random.Random(20240229)

points = [0.0]
points += [10.0**-k for k in (320, 308, 200, 100, 50, 20, 16, 12, 8, 6, 4, 3, 2, 1)]
points += [i / 16 for i in range(1, 16 * 7)]
points += [generator.uniform(0, 2) for _ in range(100)]
# Where the implementation changes, or may one day, from a series to a continued fraction.
for crossover in (1.0, 1.5, 2.0):
    points += [crossover + sign * 2.0**-k for sign in (-1, 1) for k in range(2, 52, 3)]
points += [generator.uniform(1.4, 1.6) for _ in range(100)]
points += [generator.uniform(2, 6) for _ in range(60)] + [generator.uniform(6, 26) for _ in range(60)]
points += [7.5, 9.25, 12.0, 18.5, 25.0, 25.999]
# From here on erfc is subnormal, then zero.
points += [26.6, 26.9, 27.1, 27.2, 27.3, 30.0, 1e3]
points += [-x for x in points]

# float32 and float16 hold these exactly. Results of the erf form are normal in float32 down to -13,
# and subnormal below.
tail = [-i / 8 for i in range(8, 8 * 14 + 4)]


def gelu_erf(x):
    return x / 2 * mpmath.erfc(-x / mpmath.sqrt(2))


def gelu_tanh(x):
    u = mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3)
    return x / (1 + mpmath.exp(-2 * u))


golden = {
    "generator": "python3 test/golden/erf.py",
    "mpmath": mpmath.__version__,
    "points": [
        {"x": x, "erf": float(mpmath.erf(mpf(x))), "erfc": float(mpmath.erfc(mpf(x)))} for x in points
    ],
    "gelu": [
        {"x": x, "none": float(gelu_erf(mpf(x))), "tanh": float(gelu_tanh(mpf(x)))} for x in tail
    ],
}
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(golden) + "\n")
print(f"{len(points)} points, {len(tail)} of GELU, {path.stat().st_size} bytes")
