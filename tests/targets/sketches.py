"""What one op computes, on real numbers and on plain integers, written down from its definition: the operands with the
range of their values, the outputs, and the arithmetic in numpy. Which types they are stored in, `cases.py` varies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Real:
    """An operand of real numbers from *low* to *high*, stored in the type under test. `role` tells activations from
    what has types of its own. `axis` is that of the output channels, for weights."""

    shape: tuple[int, ...]
    low: float = -4.0
    high: float = 4.0
    constant: bool = False
    role: str = "activation"  # or "weights", "bias"
    axis: int = 0
    zeros: bool = False  # every other value is 0
    echo: bool = False  # half of its integers are those of the operand before it


@dataclass(frozen=True)
class Given:
    """An operand whose type and values are not under test: axes, shapes, indices, conditions."""

    value: Any
    type: str = "int32"
    constant: bool = True


@dataclass(frozen=True)
class Out:
    """An output; `type` is None if it is stored in the type under test."""

    shape: tuple[int, ...]
    type: str | None = None


Operand = Real | Given | None


@dataclass(frozen=True)
class Sketch:
    """One op. `compute` gets the operands that are present, as reals (or plain integers), and gives the outputs."""

    kind: str
    operands: tuple[Operand, ...]
    outputs: tuple[Out, ...]
    compute: Callable[..., Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""  # tells sketches of one kind apart
    # How far int16 results may be from exact arithmetic, in units of their scale, and why.
    int16_tolerance: float = 1.0

    def results(self, values: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs, each in its shape; nothing equals them where the arithmetic has no meaning for the type."""
        try:
            found = self.compute(*values)
        except TypeError:
            found = tuple(np.full(out.shape, np.nan) for out in self.outputs)
        found = found if isinstance(found, tuple) else (found,)
        return tuple(np.reshape(np.asarray(one), out.shape) for one, out in zip(found, self.outputs, strict=True))


X = (1, 4, 6, 8)


def unary(kind: str, compute: Callable[..., Any], low: float = -4.0, high: float = 4.0, **more: Any) -> Sketch:
    """An op of one tensor, element by element or along the last axis."""
    return Sketch(kind, (Real(X, low, high),), (Out(X),), compute, **more)


def binary(kind: str, compute: Callable[..., Any], low: float = -4.0, high: float = 4.0, **more: Any) -> list[Sketch]:
    """An op of two tensors: both read at run time, and the second a constant that is broadcast."""
    echo = "type" in more  # comparisons: there must be equal ones
    first, second = Real(X, low, high), Real(X, low, high, echo=echo)
    constant = Real((8,), low, high, constant=True, echo=echo)
    attributes = more.pop("attributes", {})
    out, note = (Out(X, more.pop("type", None)),), more.pop("note", "")
    return [
        Sketch(kind, (first, second), out, compute, attributes, note, **more),
        Sketch(kind, (first, constant), out, compute, attributes, f"{note} constant".strip(), **more),
    ]


def _softmax(x: Array, beta: float = 1.0) -> Array:
    powers = np.exp(beta * (x - x.max(-1, keepdims=True)))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def _erf(x: Array) -> Array:
    from math import erf

    return np.vectorize(erf)(np.asarray(x, np.float64))


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1 + _erf(x / np.sqrt(2)))


def _gelu_approximate(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


# The 16-bit kernels interpolate between the 513 entries of a table: off by an eighth of the second derivative times the
# step squared, which is up to two units here, and rounded on the way.
INTERPOLATED = 4.0

ELEMENTWISE = [
    unary("RELU", lambda x: np.maximum(x, 0)),
    unary("RELU6", lambda x: np.clip(x, 0, 6), -8, 8),
    unary("RELU_N1_TO_1", lambda x: np.clip(x, -1, 1)),
    unary("RELU_0_TO_1", lambda x: np.clip(x, 0, 1)),
    unary("LEAKY_RELU", lambda x: np.where(x > 0, x, 0.25 * x), attributes={"alpha": 0.25}),
    unary("HARD_SWISH", lambda x: x * np.clip(x + 3, 0, 6) / 6),
    unary("GELU", _gelu, int16_tolerance=INTERPOLATED),
    unary(
        "GELU", _gelu_approximate, attributes={"approximate": True}, note="approximate", int16_tolerance=INTERPOLATED
    ),
    unary("ELU", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    unary("LOGISTIC", lambda x: 1 / (1 + np.exp(-x)), int16_tolerance=INTERPOLATED),
    unary("TANH", np.tanh, int16_tolerance=INTERPOLATED),
    unary("SOFTMAX", _softmax, attributes={"beta": 1.0}, int16_tolerance=INTERPOLATED),
    unary("SOFTMAX", lambda x: _softmax(x, 0.5), attributes={"beta": 0.5}, note="beta", int16_tolerance=INTERPOLATED),
    unary("LOG_SOFTMAX", lambda x: np.log(_softmax(x))),
    unary("L2_NORMALIZATION", lambda x: x / np.maximum(np.sqrt(np.sum(x * x, -1, keepdims=True)), 1e-6)),
    unary("ABS", np.abs),
    unary("EXP", np.exp, -4, 1, int16_tolerance=INTERPOLATED),
    unary("SQRT", np.sqrt, 0, 4, int16_tolerance=INTERPOLATED),
    unary("LOG", np.log, 0.02, 4, int16_tolerance=INTERPOLATED),
    unary("RSQRT", lambda x: 1 / np.sqrt(x), 0.02, 4, int16_tolerance=INTERPOLATED),
    unary("NEG", np.negative),
    unary("SQUARE", np.square),
    unary("SIN", np.sin),
    unary("COS", np.cos),
    unary("FLOOR", np.floor),
    unary("CEIL", np.ceil),
    unary("ROUND", np.round),
    unary("SIGN", np.sign),
    unary("ZEROS_LIKE", np.zeros_like),
    Sketch("LOGICAL_NOT", (Real(X),), (Out(X),), lambda x: np.logical_not(x)),
    Sketch(
        "LOCAL_RESPONSE_NORMALIZATION",
        (Real(X),),
        (Out(X),),
        lambda x: (
            x
            / (1 + 0.5 * np.stack([(x[..., max(i - 2, 0) : i + 3] ** 2).sum(-1) for i in range(x.shape[-1])], -1))
            ** 0.75
        ),
        {"radius": 2, "bias": 1.0, "alpha": 0.5, "beta": 0.75},
    ),
]

_AXES = Given([1, 2])

BINARY = [
    *binary("ADD", np.add),
    *binary("SUB", np.subtract),
    *binary("MUL", np.multiply),
    *binary("DIV", lambda x, y: x / y if np.asarray(x).dtype.kind == "f" else np.trunc(x / y), 0.5, 4),
    *binary("MAXIMUM", np.maximum),
    *binary("MINIMUM", np.minimum),
    *binary("SQUARED_DIFFERENCE", lambda x, y: (x - y) ** 2),
    *binary("POW", lambda x, y: np.power(x, y), 1, 3),
    *binary("FLOOR_DIV", np.floor_divide, 0.5, 4),
    *binary("FLOOR_MOD", np.mod, 0.5, 4),
    Sketch("ATAN2", (Real(X), Real(X)), (Out(X),), np.arctan2),
    *binary("EQUAL", np.equal, type="bool"),
    *binary("NOT_EQUAL", np.not_equal, type="bool"),
    *binary("EQUAL", np.equal, -0.2, 0.2, type="bool", note="small"),
    *binary("LESS", np.less, type="bool"),
    *binary("LESS", np.less, -0.2, 0.2, type="bool", note="small"),
    *binary("LESS_EQUAL", np.less_equal, type="bool"),
    *binary("GREATER", np.greater, type="bool"),
    *binary("GREATER_EQUAL", np.greater_equal, type="bool"),
    *binary("LOGICAL_AND", np.logical_and),
    *binary("LOGICAL_OR", np.logical_or),
    Sketch(
        "PRELU", (Real(X), Real((1, 1, 8), -1, 1, constant=True)), (Out(X),), lambda x, a: np.where(x > 0, x, a * x)
    ),
    Sketch("ADD_N", (Real(X), Real(X), Real(X)), (Out(X),), lambda x, y, z: x + y + z),
    Sketch("SELECT", (Given(np.arange(192).reshape(X) % 3 == 0, "bool", False), Real(X), Real(X)), (Out(X),), np.where),
    Sketch(
        "SELECT_V2",
        (Given(np.arange(8) % 3 == 0, "bool", False), Real(X), Real(X)),
        (Out(X),),
        np.where,
    ),
]


def _index(reduce: Callable[..., Array]) -> Callable[..., Array]:
    return lambda x, axis: reduce(x, -1)


REDUCTIONS = [
    Sketch("MEAN", (Real(X), _AXES), (Out((1, 8)),), lambda x, a: x.mean((1, 2))),
    Sketch(
        "MEAN", (Real(X), Given([3])), (Out((1, 4, 6, 1)),), lambda x, a: x.mean(3), {"keep_dims": True}, "channels"
    ),
    Sketch("SUM", (Real(X), _AXES), (Out((1, 8)),), lambda x, a: x.sum((1, 2))),
    Sketch("REDUCE_MAX", (Real(X), _AXES), (Out((1, 8)),), lambda x, a: x.max((1, 2))),
    Sketch("REDUCE_MIN", (Real(X), _AXES), (Out((1, 8)),), lambda x, a: x.min((1, 2))),
    Sketch("REDUCE_PROD", (Real(X, -3, 3), Given([3])), (Out((1, 4, 6)),), lambda x, a: x.prod(3)),
    Sketch("REDUCE_ANY", (Real(X), _AXES), (Out((1, 8)),), lambda x, a: x.any((1, 2))),
    Sketch("REDUCE_ALL", (Real(X), _AXES), (Out((1, 8)),), lambda x, a: x.all((1, 2))),
    Sketch("ARG_MAX", (Real(X), Given([3])), (Out((1, 4, 6), "int32"),), _index(np.argmax), {"output_type": "INT32"}),
    Sketch(
        "ARG_MAX",
        (Real(X), Given([3])),
        (Out((1, 4, 6), "int64"),),
        _index(np.argmax),
        {"output_type": "INT64"},
        "int64",
    ),
    Sketch("ARG_MIN", (Real(X), Given([3])), (Out((1, 4, 6), "int32"),), _index(np.argmin), {"output_type": "INT32"}),
    Sketch("CUMSUM", (Real(X), Given(3)), (Out(X),), lambda x, a: x.cumsum(3)),
]


def _windows(x: Array, reduce: Callable[..., Array]) -> Array:
    """Windows of two by two with stride 2."""
    batch, height, width, channels = x.shape
    return np.asarray(reduce(x.reshape(batch, height // 2, 2, width // 2, 2, channels), (2, 4)))


_POOL = {"stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2, "padding": "VALID"}


def _root_mean_square(x: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(np.sqrt(np.mean(x * x, axes)))


def _interpolated(x: Array, mode: str, factor: int) -> Array:
    """Bilinear, to *factor* times the size."""
    for axis in (1, 2):
        size = x.shape[axis]
        at = np.arange(factor * size)
        if mode == "half_pixel_centers":
            place = (at + 0.5) / factor - 0.5
        else:
            place = at * (size - 1) / (factor * size - 1) if mode == "align_corners" else at / factor
        place = np.clip(place, 0, size - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, size - 1)
        part = (place - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        x = x.take(low, axis) * (1 - part) + x.take(high, axis) * part
    return x


def _resized(mode: str, factor: int, shape: tuple[int, ...]) -> Sketch:
    size = [factor * shape[1], factor * shape[2]]
    return Sketch(
        "RESIZE_BILINEAR",
        (Real(shape), Given(size)),
        (Out((shape[0], *size, shape[3])),),
        lambda x, size: _interpolated(x, mode, factor),
        {mode: True} if mode else {},
        " ".join(filter(None, (mode, f"times {factor}" if factor > 2 else ""))),
    )


_DOUBLE = (1, 8, 12, 8)

POOLING = [
    Sketch("AVERAGE_POOL_2D", (Real(X),), (Out((1, 2, 3, 8)),), lambda x: _windows(x, np.mean), _POOL),
    Sketch("MAX_POOL_2D", (Real(X),), (Out((1, 2, 3, 8)),), lambda x: _windows(x, np.max), _POOL),
    Sketch("L2_POOL_2D", (Real(X),), (Out((1, 2, 3, 8)),), lambda x: _windows(x, _root_mean_square), _POOL),
    *(_resized(mode, 2, X) for mode in ("", "half_pixel_centers", "align_corners")),
    # Long enough for the rounding of the places to show.
    _resized("half_pixel_centers", 3, (1, 60, 2, 4)),
    _resized("", 4, (1, 60, 2, 4)),
    Sketch(
        "RESIZE_NEAREST_NEIGHBOR",
        (Real(X), Given([8, 12])),
        (Out(_DOUBLE),),
        lambda x, size: x.repeat(2, 1).repeat(2, 2),
        {"half_pixel_centers": True},
    ),
]
