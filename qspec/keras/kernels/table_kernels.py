"""LiteRT's 16-bit kernels that look functions up in tables of 513 values and interpolate between them.

As google-ai-edge/LiteRT f674577 has it in tflite/kernels/internal/common.h (`LUTPopulate`, `LUTLookup`) and
kernels/internal/reference/softmax.h (`SoftmaxInt16`); run: equal to ai-edge-litert 2.3.0 in 99.6 % to all of the codes.
Integers stand in float64, which holds them exactly. The gradient is that of the function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from qspec.graph.ops import Op
from qspec.keras.kernels.fake_quantize import round_half_away_64
from qspec.keras.kernels.op_kernels import KERNELS

_LOWEST, _HIGHEST, _STEPS = -32768, 32767, 512
_REACH = 10.0  # of the exponents that a softmax looks up: below, they count as this
_FUNCTIONS: dict[str, Callable[[Op, Any], Any]] = {
    "GELU": lambda op, value: KERNELS["GELU"](op, value),
    "EXP": lambda op, value: tf.exp(value),
}
TABLES = frozenset({"SOFTMAX", *_FUNCTIONS})


def look_up(op: Op, value: Any, scale: Any, result_scale: Any) -> Any:
    """What the 16-bit kernel of *op* (one of `TABLES`) gives for *value* on the grid of *scale*."""
    exact = KERNELS[op.kind](op, value)
    codes = tf.round(tf.cast(tf.stop_gradient(value) / scale, tf.float64))
    if op.kind == "SOFTMAX":
        found = _softmax(codes, tf.cast(scale, tf.float64) * op.attributes.get("beta", 1.0)) / 32768.0
    else:
        table = _table(lambda one: _FUNCTIONS[op.kind](op, one), scale, 0, result_scale)
        found = _interpolated(codes, table) * tf.cast(result_scale, tf.float64)
    return exact + tf.stop_gradient(tf.cast(found, exact.dtype) - exact)


def _table(function: Callable[[Any], Any], scale: Any, zero_point: int, result_scale: Any) -> Any:
    """The table of *function* (float32) over all codes, [513], float64; each value makes up for half of the error that
    interpolation has in the middle of its step."""
    scale, result_scale = tf.cast(scale, tf.float32), tf.cast(result_scale, tf.float32)
    low, high = scale * float(_LOWEST - zero_point), scale * float(_HIGHEST - zero_point)
    step = (high - low) / float(_STEPS)
    inverse = 65536.0 / (result_scale * float(_HIGHEST) - result_scale * float(_LOWEST))
    starts = low + tf.range(_STEPS, dtype=tf.float32) * step
    nexts = low + (tf.range(_STEPS, dtype=tf.float32) + 1.0) * step
    first = round_half_away_64(function(starts) * inverse)
    between = round_half_away_64((function(nexts) * inverse + first) / 2.0)
    error = between - round_half_away_64(function(starts + step / 2.0) * inverse)
    values = tf.concat(
        [first - round_half_away_64(error / 2.0), round_half_away_64(function(high[tf.newaxis]) * inverse)], 0
    )
    return tf.cast(tf.clip_by_value(values, float(_LOWEST), float(_HIGHEST)), tf.float64)


def _interpolated(codes: Any, table: Any) -> Any:
    place = tf.floor(codes / 128.0)
    index = tf.cast(place + 256.0, tf.int32)
    start, offset = tf.gather(table, index), codes - place * 128.0
    return start + tf.floor(((tf.gather(table, index + 1) - start) * offset + 64.0) / 128.0)


def _softmax(codes: Any, scale: Any) -> Any:
    """Codes of scale 1/32768: exponentials of the distances from the largest, over their sum."""
    range_ = float(_HIGHEST - _LOWEST)
    powers = _table(tf.exp, tf.constant(_REACH / range_), _HIGHEST, tf.constant(2.0 / range_))
    inverses = _table(lambda one: 1.0 / (1.0 + one), tf.constant(1.0 / range_), _LOWEST, tf.constant(2.0 / range_))
    distances = _scaled(codes - tf.reduce_max(codes, -1, keepdims=True), scale / (_REACH / range_))
    places = tf.clip_by_value(distances + float(_HIGHEST), float(_LOWEST), float(_HIGHEST))
    exponentials = _interpolated(places, powers)
    total = tf.reduce_sum(exponentials, -1, keepdims=True)
    # The sum is brought between 1 and 2, in steps of 2^-16; the table has the inverse of 1 + x.
    size = tf.floor(_log2(total))
    fraction = tf.floor((total * 2.0 ** (30.0 - size) + 8192.0) / 16384.0) - 98304.0
    inverse = _interpolated(tf.clip_by_value(fraction, float(_LOWEST), float(_HIGHEST)), inverses)
    shares = tf.floor(exponentials * inverse / 2.0**size + 0.5)
    return tf.clip_by_value(shares, 0.0, float(_HIGHEST))


def _scaled(codes: Any, factor: Any) -> Any:
    """`MultiplyByQuantizedMultiplier`: rounded after the multiplication with 31 bits, and in the shift."""
    exponent = tf.floor(_log2(factor)) + 1.0
    multiplier = round_half_away_64(factor / 2.0**exponent * 2.0**31)
    product = round_half_away_64(codes * 2.0 ** tf.maximum(exponent, 0.0) * multiplier / 2.0**31)
    return round_half_away_64(product * 2.0 ** tf.minimum(exponent, 0.0))


def _log2(value: Any) -> Any:
    return tf.math.log(value) / math.log(2.0) + 1e-12
