"""Are two results equal? ``==`` does not answer this for arrays, data frames, tensors, or what holds them."""

import math
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def equal(result: Any, expected: Any) -> bool:
    """Return whether both have the same type and are equal. Floats must be equal exactly, but NaN equals NaN."""
    if type(result) is not type(expected):
        return False
    if isinstance(expected, float):
        return result == expected or (math.isnan(result) and math.isnan(expected))
    if isinstance(expected, list | tuple):
        return len(result) == len(expected) and all(map(equal, result, expected))
    if isinstance(expected, Mapping):
        return result.keys() == expected.keys() and all(equal(result[key], expected[key]) for key in expected)
    if is_dataclass(expected):
        return all(equal(getattr(result, each.name), getattr(expected, each.name)) for each in fields(expected))
    return _equal_arrays(result, expected)


def _equal_arrays(result: Any, expected: Any) -> bool:
    """Return whether objects of packages are equal. A package that is not imported has made neither of them."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy and isinstance(expected, numpy.ndarray):
        if result.dtype != expected.dtype or result.shape != expected.shape:
            return False
        if expected.dtype == object:
            return all(map(equal, result.ravel().tolist(), expected.ravel().tolist()))
        return numpy.array_equal(result, expected, equal_nan=expected.dtype.kind in "fcmM")
    if numpy and isinstance(expected, numpy.floating | numpy.complexfloating):
        return bool(result == expected or (numpy.isnan(result) and numpy.isnan(expected)))
    if torch and isinstance(expected, torch.Tensor):
        same = result.dtype == expected.dtype and result.shape == expected.shape
        return same and torch.allclose(result, expected, rtol=0.0, atol=0.0, equal_nan=True)
    if hasattr(expected, "equals"):  # pandas, polars, pyarrow
        return bool(expected.equals(result))
    return bool(result == expected)
