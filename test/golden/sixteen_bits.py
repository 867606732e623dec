"""PyTorch's logits in 16 bits on a CPU, for the generators of golden values.

What the 1.13 of Debian computes in 16 bits, compared operator by operator on random values, on an x86 CPU with AVX2 and
without AVX-512:
 bfloat16: every operator of the model has a kernel. linear, query times key, softmax, tanh, addition and division equal
   float32 arithmetic on bfloat16 values with one rounding of the result, bit for bit. LayerNorm, GELU and the product of
   probabilities and values do not, and are further from float64.
 float16: addition, division and lookup have kernels, which round once. addmm, bmm, softmax, layer_norm, gelu and tanh have
   none ("not implemented for 'Half'").

So there are two ways to run a model here:
 "native": bfloat16 only, PyTorch's kernels as they are;
 "rounded": the six operators of `ROUNDED` compute in float32, on values of 16 bits, and round their result once, to 16
   bits; the others are PyTorch's 16-bit kernels. That is the best that kernels with 16-bit inputs and outputs can do with
   float32 inside, so it is the stricter measure of the two; kernels that PyTorch got later may round more often.

In both, the weights are those of the float32 checkpoint rounded to 16 bits."""
import copy
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

aten = torch.ops.aten
ROUNDED = {aten.addmm.default, aten.bmm.default, aten._softmax.default, aten.native_layer_norm.default, aten.gelu.default,
           aten.tanh.default}
# Digits that tell all values of a dtype apart.
DIGITS = {torch.float16: 5, torch.bfloat16: 4}


class RoundedOperators(TorchDispatchMode):
    """Within it the operators of `ROUNDED` compute in float32 and round once, to `dtype`."""

    def __init__(s, dtype):
        super().__init__()
        s.dtype = dtype
        s.seen = set()

    def __torch_dispatch__(s, func, types, args=(), kwargs=None):
        if func not in ROUNDED:
            return func(*args, **(kwargs or {}))
        s.seen.add(func)
        cast = lambda tree, a, b: tree_map(lambda x: x.to(b) if isinstance(x, torch.Tensor) and x.dtype == a else x, tree)
        wide = func(*cast(args, s.dtype, torch.float32), **cast(kwargs or {}, s.dtype, torch.float32))
        return cast(wide, torch.float32, s.dtype)


def logits16(model, ids):
    """{"float16": ..., "bfloat16": ..., "bfloat16_native": ...}, each [texts][labels], one text at a time, of a model in
    float32, which stays as it is."""
    def rows(m, dtype):
        out = [m(torch.tensor([i]))[0] for i in ids]
        assert all(r.dtype == dtype for r in out)
        return [[float(f"{v:.{DIGITS[dtype]}g}") for v in r.tolist()] for r in out]

    result = {}
    for name, dtype in (("float16", torch.float16), ("bfloat16", torch.bfloat16)):
        m = copy.deepcopy(model).to(dtype)
        with RoundedOperators(dtype) as mode:
            result[name] = rows(m, dtype)
        assert mode.seen == ROUNDED, ROUNDED - mode.seen
        if dtype == torch.bfloat16:
            result["bfloat16_native"] = rows(m, dtype)
    return result


def largest_distance(a, b):
    return max(abs(x - y) for r, q in zip(a, b) for x, y in zip(r, q))
