"""UNIDIRECTIONAL_SEQUENCE_LSTM stored in several ways, and what it must then compute: the arithmetic of an LSTM on the
real numbers that the stored integers stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tests.targets.cases import Case, real
from tests.targets.one_op import T
from tests.targets.sketches import Array

KIND = "UNIDIRECTIONAL_SEQUENCE_LSTM"
BATCH, STEPS, FEATURES, UNITS = 2, 3, 5, 4
ATTRIBUTES = {"fused_activation_function": "TANH", "cell_clip": 0.0, "proj_clip": 0.0, "time_major": False}


@dataclass(frozen=True)
class Stored:
    """How the tensors are stored. The scales are those of integers."""

    label: str
    input: T
    weights: T
    bias: str
    output: T
    hidden: T
    cell: T


X = T("int8", (BATCH, STEPS, FEATURES), scale=1 / 64, zero_point=5, scheme="asymmetric")
W = T("int8", (), True, scale=1 / 128)
Y = T("int8", (BATCH, STEPS, UNITS), scale=1 / 128, zero_point=-3, scheme="asymmetric")
CELL = T("int16", (BATCH, UNITS), scale=2.0**-13, variable=True)
INT8 = Stored("int8", X, W, "int32", Y, replace(Y, shape=(BATCH, UNITS), variable=True), CELL)


def _floats() -> Stored:
    def plain(made: T) -> T:
        return replace(made, type="float32", scale=None, zero_point=0)

    tensors = (plain(made) for made in (INT8.output, INT8.hidden, INT8.cell))
    return Stored("float32", plain(X), plain(W), "float32", *tensors)


def _ways() -> Iterator[Stored]:
    yield _floats()
    yield INT8
    # The kernel has a tanh for 0 to 6 integer bits of the cell state.
    for exponent in range(-17, -6):
        yield replace(INT8, label=f"cell 2^{exponent}", cell=replace(CELL, scale=2.0**exponent))
    yield replace(INT8, label="cell 0.0003", cell=replace(CELL, scale=0.0003))
    # Not tried: a cell of int8, in whose memory the kernel writes 16 bits each; what comes out is chance.
    yield replace(INT8, label="hidden scale", hidden=replace(INT8.hidden, scale=1 / 100))
    yield replace(INT8, label="hidden zero point", hidden=replace(INT8.hidden, zero_point=20))
    yield replace(INT8, label="weights per channel", weights=replace(W, axis=0, scale=1 / 128))
    yield replace(INT8, label="weights zero point", weights=replace(W, zero_point=9, scheme="asymmetric"))
    yield replace(INT8, label="weights int4", weights=replace(W, type="int4", scale=1 / 8))
    yield replace(INT8, label="weights uint8", weights=replace(W, type="uint8", zero_point=128, scheme="asymmetric"))
    yield replace(INT8, label="bias int64", bias="int64")
    wide = {"type": "int16", "zero_point": 0, "scheme": "symmetric", "scale": 2.0**-14}
    yield replace(
        INT8,
        label="int16",
        input=replace(X, **wide),
        output=replace(Y, **wide),
        hidden=replace(INT8.hidden, **wide),
    )
    yield replace(INT8, label="uint8", input=replace(X, type="uint8", zero_point=133))


def lstm_cases(seed: int = 0) -> Iterator[Case]:
    """Every case."""
    for stored in _ways():
        yield _case(stored, np.random.default_rng(seed))


_LIMITS = {"int8": (-127, 127), "uint8": (1, 255), "int4": (-7, 7), "int16": (-16000, 16000)}


def _case(stored: Stored, random: np.random.Generator) -> Case:
    kernels = [_weights(stored.weights, FEATURES, random) for _ in range(4)]
    recurrent = [_weights(stored.weights, UNITS, random) for _ in range(4)]
    biases = [_bias(stored, random) for _ in range(4)]
    values = _codes(stored.input, random)
    reals = [np.stack([real(made, codes) for made, codes in part]) for part in (kernels, recurrent, biases)]
    limit = 32768 * stored.cell.scale if stored.cell.scale else np.inf
    expected = _lstm(real(stored.input, values), *reals, limit)
    absent = (None, None)
    pairs = [
        (stored.input, values),
        *kernels,
        *recurrent,
        *[absent] * 3,
        *biases,
        *[absent] * 2,
        (stored.hidden, None),
        (stored.cell, None),
        *[absent] * 4,
    ]
    inputs, constants = zip(*pairs, strict=True)
    return Case(KIND, stored.label, inputs, (stored.output,), ATTRIBUTES, constants, (expected,))


def _codes(made: T, random: np.random.Generator) -> Array:
    if made.type == "float32":
        return random.uniform(-1, 1, made.shape).astype("float32")
    return random.integers(*_LIMITS[made.type], made.shape, endpoint=True).astype(made.type)


def _weights(like: T, features: int, random: np.random.Generator) -> tuple[T, Array]:
    made = replace(like, shape=(UNITS, features))
    if made.axis is not None:
        made = replace(made, scales=tuple(float(np.float32(part / 128)) for part in (1, 0.5, 0.25, 0.8)))
    if made.type == "int4":
        return made, random.integers(*_LIMITS["int4"], made.shape, endpoint=True).astype("int8")
    return made, _codes(made, random)


def _bias(stored: Stored, random: np.random.Generator) -> tuple[T, Array]:
    values = random.uniform(-0.5, 0.5, UNITS)
    if stored.bias == "float32":
        return T("float32", (UNITS,), True, scale=None), values.astype("float32")
    scale = float(np.float32((stored.input.scale or 1) * (stored.weights.scale or 1)))
    return T(stored.bias, (UNITS,), True, scale=scale), np.rint(values / scale).astype(stored.bias)


def _lstm(sequence: Array, kernel: Array, recurrent: Array, bias: Array, limit: float) -> Array:
    """All steps; *kernel* [4, units, features], *recurrent* [4, units, units], *bias* [4, units] in the order input,
    forget, candidate, output. The cell state saturates at *limit*."""
    hidden = cell = np.zeros((BATCH, UNITS))
    steps = []
    for step in range(STEPS):
        gates = np.einsum("bf,guf->gbu", sequence[:, step], kernel) + np.einsum("bh,guh->gbu", hidden, recurrent)
        enter, keep, candidate, show = gates + bias[:, None]
        cell = np.clip(_sigmoid(keep) * cell + _sigmoid(enter) * np.tanh(candidate), -limit, limit)
        hidden = _sigmoid(show) * np.tanh(cell)
        steps.append(hidden)
    return np.stack(steps, axis=1)


def _sigmoid(value: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-value)))
