"""Sketches of the same ops on tensors of one to eight dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.targets.sketches import INTERPOLATED, Array, Given, Out, Real, Sketch

RANKS = range(1, 9)


def _shape(rank: int) -> tuple[int, ...]:
    return (2, 1, 2, 2, 2, 2, 3, 4)[-rank:]


def rank_sketches() -> Iterator[Sketch]:
    """Each op at each rank, as far as it has a meaning there."""
    for rank in RANKS:
        shape = _shape(rank)
        note = f"rank {rank}"
        yield from _elementwise(shape, note)
        yield from _broadcast(shape, note)
        yield from _reductions(shape, note)
        yield from _movement(shape, note)
        if rank > 1:
            yield from _products(shape, note)


def _products(shape: tuple[int, ...], note: str) -> Iterator[Sketch]:
    other, result = (*shape[:-2], 4, 5), (*shape[:-1], 5)
    yield Sketch("BATCH_MATMUL", (Real(shape), Real(other)), (Out(result),), np.matmul, {}, note, 1.5)
    if len(shape) > 2:
        one = (*(1 for _ in shape[:-2]), 4, 5)
        yield Sketch("BATCH_MATMUL", (Real(shape), Real(one)), (Out(result),), np.matmul, {}, f"{note} broadcast", 1.5)
        block, crops = Given([2]), Given([[0, 0]])
        batched = (2 * shape[0], 2 * shape[1], *shape[2:])
        spread = (2 * batched[0], shape[1], *shape[2:])
        operands = (Real(batched), block, crops)
        yield Sketch("SPACE_TO_BATCH_ND", operands, (Out(spread),), lambda x, b, c: _spread(x), {}, note)


def _spread(x: Array) -> Array:
    """Every other row of the second dimension into a batch of its own."""
    return np.concatenate([x[:, 0::2], x[:, 1::2]])


def _elementwise(shape: tuple[int, ...], note: str) -> Iterator[Sketch]:
    unary: dict[str, Any] = {
        "RELU": lambda x: np.maximum(x, 0),
        "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
        "TANH": np.tanh,
        "ABS": np.abs,
        "SOFTMAX": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
        "LOG_SOFTMAX": lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)),
        "HARD_SWISH": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    }
    for kind, compute in unary.items():
        attributes = {"beta": 1.0} if kind == "SOFTMAX" else {}
        yield Sketch(kind, (Real(shape),), (Out(shape),), compute, attributes, note, INTERPOLATED)


def _broadcast(shape: tuple[int, ...], note: str) -> Iterator[Sketch]:
    binary = {
        "ADD": np.add,
        "SUB": np.subtract,
        "MUL": np.multiply,
        "MAXIMUM": np.maximum,
        "MINIMUM": np.minimum,
        "SQUARED_DIFFERENCE": lambda x, y: (x - y) ** 2,
        "LESS": np.less,
        "EQUAL": np.equal,
    }
    row = tuple(size if axis % 2 == 0 else 1 for axis, size in enumerate(shape[::-1]))[::-1]  # every other dimension
    for kind, compute in binary.items():
        out = (Out(shape, "bool" if kind in ("LESS", "EQUAL") else None),)
        yield Sketch(kind, (Real(shape), Real(shape)), out, compute, {}, note)
        if len(shape) > 1:
            yield Sketch(kind, (Real(shape), Real(row)), out, compute, {}, f"{note} broadcast")
    yield Sketch("DIV", (Real(shape, 1, 4), Real(shape, 1, 4)), (Out(shape),), np.divide, {}, note)
    choice = Given(np.arange(int(np.prod(shape))).reshape(shape) % 2 == 0, "bool", False)
    yield Sketch("SELECT_V2", (choice, Real(shape), Real(shape)), (Out(shape),), np.where, {}, note)
    if len(shape) > 1:
        narrow = Given(np.arange(int(np.prod(row))).reshape(row) % 3 == 0, "bool", False)
        yield Sketch("SELECT_V2", (narrow, Real(shape), Real(shape)), (Out(shape),), np.where, {}, f"{note} broadcast")
        slopes = Real(row[1:], -1, 1, constant=True)
        yield Sketch("PRELU", (Real(shape), slopes), (Out(shape),), lambda x, a: np.where(x > 0, x, a * x), {}, note)
        yield Sketch(
            "BROADCAST_TO", (Real(row), Given(shape)), (Out(shape),), lambda x, s: np.broadcast_to(x, s), {}, note
        )


def _reductions(shape: tuple[int, ...], note: str) -> Iterator[Sketch]:
    last = Given([len(shape) - 1])
    out = (Out(shape[:-1]),)
    for kind, compute in {"MEAN": np.mean, "SUM": np.sum, "REDUCE_MAX": np.max, "REDUCE_MIN": np.min}.items():
        yield Sketch(kind, (Real(shape), last), out, lambda x, a, compute=compute: compute(x, -1), {}, note)
    yield Sketch(
        "ARG_MAX",
        (Real(shape), last),
        (Out(shape[:-1], "int32"),),
        lambda x, a: x.argmax(-1),
        {"output_type": "INT32"},
        note,
    )


def _movement(shape: tuple[int, ...], note: str) -> Iterator[Sketch]:
    rank, count = len(shape), shape[-1]
    zeros, ones = [0] * rank, [1] * rank
    reversed_axes = tuple(range(rank))[::-1]
    paddings = [[0, 0]] * (rank - 1) + [[1, 2]]
    padded = (*shape[:-1], count + 3)
    flat = Real((int(np.prod(shape)),))
    yield Sketch("RESHAPE", (flat, Given(shape)), (Out(shape),), lambda x, s: x, {}, note)
    yield Sketch(
        "TRANSPOSE", (Real(shape), Given(reversed_axes)), (Out(shape[::-1]),), lambda x, p: x.transpose(p), {}, note
    )
    yield Sketch(
        "STRIDED_SLICE",
        (Real(shape), Given(zeros), Given([*shape[:-1], 3]), Given(ones)),
        (Out((*shape[:-1], 3)),),
        lambda x, b, e, s: x[..., :3],
        {},
        note,
    )
    yield Sketch(
        "SLICE", (Real(shape), Given(zeros), Given([*shape[:-1], 3])), (Out((*shape[:-1], 3)),), _first_three, {}, note
    )
    yield Sketch("PAD", (Real(shape), Given(paddings)), (Out(padded),), lambda x, p: np.pad(x, p), {}, note)
    value = Real((), constant=True)
    operands = (Real(shape), Given(paddings), value)
    yield Sketch("PADV2", operands, (Out(padded),), lambda x, p, v: np.pad(x, p, constant_values=v), {}, note)
    yield Sketch(
        "MIRROR_PAD",
        (Real(shape), Given(paddings)),
        (Out(padded),),
        lambda x, p: np.pad(x, p, "reflect"),
        {"mode": "REFLECT"},
        note,
    )
    doubled = Given([*ones[:-1], 2])
    yield Sketch("TILE", (Real(shape), doubled), (Out((*shape[:-1], 2 * count)),), np.tile, {}, note)
    yield Sketch("REVERSE_V2", (Real(shape), Given([rank - 1])), (Out(shape),), lambda x, a: x[..., ::-1], {}, note)
    yield Sketch(
        "GATHER",
        (Real(shape), Given([2, 0])),
        (Out((*shape[:-1], 2)),),
        lambda x, i: x[..., i],
        {"axis": rank - 1},
        note,
    )
    joined = (Out((*shape[:-1], 2 * count)),)
    yield Sketch(
        "CONCATENATION",
        (Real(shape), Real(shape)),
        joined,
        lambda x, y: np.concatenate([x, y], -1),
        {"axis": rank - 1},
        note,
    )
    halves = (Out((*shape[:-1], 2)),) * 2
    yield Sketch(
        "SPLIT", (Given(rank - 1), Real(shape)), halves, lambda a, x: tuple(np.split(x, 2, -1)), {"num_splits": 2}, note
    )
    stacked = {"values_count": 2, "axis": 0}
    yield Sketch("PACK", (Real(shape), Real(shape)), (Out((2, *shape)),), lambda x, y: np.stack([x, y]), stacked, note)
    yield Sketch(
        "UNPACK", (Real((2, *shape[1:])),), (Out(shape[1:]),) * 2, lambda x: (x[0], x[1]), {"num": 2, "axis": 0}, note
    )
    yield Sketch("EXPAND_DIMS", (Real(shape), Given(0)), (Out((1, *shape)),), lambda x, a: x, {}, note)


def _first_three(x: Array, begin: Array, size: Array) -> Array:
    return x[..., :3]
