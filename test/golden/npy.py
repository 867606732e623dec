"""Writes npy/: small arrays as numpy.save writes them.

    python3 test/golden/npy.py

Made with numpy 2.4.
"""

from pathlib import Path

import numpy as np

folder = Path(__file__).with_suffix("")
folder.mkdir(exist_ok=True)
values = np.array([[1.5, -2, 0.1], [np.inf, 3e-7, 65504]])
for dtype in ("float64", "float32", "float16"):
    with np.errstate(over="ignore"):
        np.save(folder / f"{dtype}.npy", values.astype(dtype))
for dtype in ("int64", "int32", "int16", "int8", "uint8"):
    np.save(folder / f"{dtype}.npy", np.array([1, 2, 100], dtype))
np.save(folder / "bool.npy", np.array([True, False]))
np.save(folder / "scalar.npy", np.float32(2.5))
np.save(folder / "empty.npy", np.zeros((0, 3), np.float32))
np.save(folder / "column-major.npy", np.asfortranarray(values))
np.save(folder / "big-endian.npy", values.astype(">f4"))
np.save(folder / "complex.npy", values.astype("complex64"))
with open(folder / "version-2.npy", "wb") as file:
    np.lib.format.write_array(file, values.astype("float32"), version=(2, 0))
