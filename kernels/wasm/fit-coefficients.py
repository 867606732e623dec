"""The polynomials of exp.ts and gelu.ts: fitted for the least largest relative error, in float32.

Prints the coefficients, lowest power first, and the largest relative error of the polynomial with its
coefficients rounded to float32 (one float32 unit in the last place is 1.2e-7 at most). Needs numpy and
mpmath.
"""

import mpmath
import numpy

mpmath.mp.dps = 40


def fit(name, function, argument, lowest, highest, degree, fixed=()):
    """Polynomial in argument(t) over lowest…highest; `fixed` are its first coefficients."""
    nodes = numpy.cos(numpy.pi * (numpy.arange(400) + 0.5) / 400)
    t = [mpmath.mpf(lowest + (highest - lowest) * (x + 1) / 2) for x in nodes]
    y = numpy.array([float(function(v)) for v in t])
    x = numpy.array([float(argument(v)) for v in t])
    powers = numpy.vander(x, degree + 1, increasing=True) / y[:, None]
    known = powers[:, : len(fixed)] @ numpy.array(fixed, dtype=float) if fixed else 0
    free = powers[:, len(fixed) :]
    weights = numpy.ones(len(t))
    # Iteratively reweighted least squares: points with a large error count for more.
    for _ in range(100):
        found, *_ = numpy.linalg.lstsq(free * weights[:, None], weights * (1 - known), rcond=None)
        error = numpy.abs(free @ found + known - 1)
        weights *= numpy.sqrt(error / error.max() + 0.02)
        weights /= weights.max()
    coefficients = numpy.concatenate([fixed, found]).astype(numpy.float32)
    error = numpy.abs(powers @ coefficients.astype(float) - 1).max()
    print(name, [float(f"{c:.9g}") for c in coefficients], f"error {error:.1e}")


half_log2 = float(mpmath.log(2) / 2) * 1.001
fit("exp", mpmath.exp, lambda t: t, -half_log2, half_log2, 6, fixed=(1, 1))


def tail(t):
    """½ erfcx(t/√2) (1 + t): what is left of GELU's tail when exp(−t²/2) and the decay are out."""
    return mpmath.erfc(t / mpmath.sqrt(2)) * mpmath.exp(t * t / 2) / 2 * (1 + t)


fit("tail of the normal distribution", tail, lambda t: (t - 2.5) / (t + 2.5), 0, 15, 10)


def root(t):
    """The eighth root of 1 / erfc(t/√2)."""
    return mpmath.root(1 / mpmath.erfc(t / mpmath.sqrt(2)), 8)


fit("root of GELU's tail", root, lambda t: t, 0, 4.5, 11, fixed=(1,))
fit("tanh(√s)/√s", lambda s: mpmath.tanh(mpmath.sqrt(s)) / mpmath.sqrt(s), lambda s: s, 1e-12, 0.4, 5, fixed=(1,))
