"""Functions with a pole, where quantization puts a value on it: a small variance becomes 0, its reciprocal infinite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from qspec.graph.ops import Op

POLES = frozenset({"RSQRT", "SQRT", "LOG", "DIV", "POW"})
"""The ops whose derivative is infinite somewhere."""


def before_pole(readers: Iterable[Op]) -> bool:
    """Whether one of the ops that read a tensor has a pole."""
    return any(op.kind in POLES for op in readers)


def bounded(value: Any, low: Any, high: Any) -> Any:
    """*value*, with *high* in place of infinity and *low* in place of its negative: the end of a range, which is what
    kernels give at a pole, and where a range that follows its values is to stay."""
    return tf.where(tf.math.is_finite(value), value, tf.where(value > 0, high, low))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def finite_gradient(value: Any) -> Any:
    """*value*, with 0 in place of what is not finite in its gradient: one infinity, times a 0, would spoil every weight
    before it."""

    def gradient(upstream: Any) -> Any:
        return tf.where(tf.math.is_finite(upstream), upstream, tf.zeros_like(upstream))

    return tf.identity(value), gradient
