"""Sketches of the ops that move values, choose among them, or look at shapes alone."""

from __future__ import annotations

import numpy as np

from tests.targets.sketches import Array, Given, Out, Real, Sketch, X


def _space_to_depth(x: Array) -> Array:
    batch, height, width, channels = x.shape
    parts = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // 2, width // 2, 4 * channels)


def _depth_to_space(x: Array) -> Array:
    batch, height, width, channels = x.shape
    parts = x.reshape(batch, height, width, 2, 2, channels // 4)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, channels // 4)


def _space_to_batch(x: Array) -> Array:
    batch, height, width, channels = x.shape
    parts = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return parts.transpose(2, 4, 0, 1, 3, 5).reshape(4 * batch, height // 2, width // 2, channels)


def _batch_to_space(x: Array) -> Array:
    batch, height, width, channels = x.shape
    parts = x.reshape(2, 2, batch // 4, height, width, channels)
    return parts.transpose(2, 3, 0, 4, 1, 5).reshape(batch // 4, 2 * height, 2 * width, channels)


def _reversed_sequences(x: Array, lengths: Array) -> Array:
    result = x.copy()
    for row, length in enumerate(lengths):
        result[:, row, :length] = x[:, row, :length][:, ::-1]
    return result


def _scattered(indices: Array, updates: Array, shape: Array) -> Array:
    result = np.zeros(shape, updates.dtype)
    result[indices[:, 0]] = updates
    return result


def _updated(x: Array, update: Array, begin: Array) -> Array:
    result = x.copy()
    result[tuple(slice(start, start + size) for start, size in zip(begin, update.shape, strict=True))] = update
    return result


def _diagonal(x: Array) -> Array:
    return np.asarray(x[..., None] * np.eye(x.shape[-1], dtype=x.dtype))


def _with_diagonal(x: Array, diagonal: Array) -> Array:
    eye = np.eye(x.shape[-1], dtype=bool)
    return np.where(eye, diagonal[..., None], x)


_ORDER = (0, 2, 3, 1)
_PADDINGS = [[0, 0], [1, 1], [2, 0], [0, 0]]
_PADDED = (1, 6, 8, 8)
_BLOCK = (Given([2, 2]), Given([[0, 0], [0, 0]]))

MOVEMENT = [
    Sketch("RESHAPE", (Real(X), Given([1, 192])), (Out((1, 192)),), lambda x, s: x),
    Sketch("SQUEEZE", (Real((1, 4, 1, 8)),), (Out((4, 8)),), lambda x: x, {"squeeze_dims": (0, 2)}),
    Sketch("EXPAND_DIMS", (Real(X), Given(0)), (Out((1, *X)),), lambda x, a: x),
    Sketch("TRANSPOSE", (Real(X), Given(_ORDER)), (Out((1, 6, 8, 4)),), lambda x, p: x.transpose(_ORDER)),
    Sketch(
        "STRIDED_SLICE",
        (Real(X), Given([0, 1, 0, 0]), Given([1, 4, 6, 8]), Given([1, 1, 1, 1])),
        (Out((1, 3, 6, 8)),),
        lambda x, b, e, s: x[:, 1:],
    ),
    Sketch(
        "STRIDED_SLICE",
        (Real(X), Given([0, 0, 0, 0]), Given([1, 4, 6, 8]), Given([1, 2, 3, 1])),
        (Out((1, 2, 2, 8)),),
        lambda x, b, e, s: x[:, ::2, ::3],
        note="strides",
    ),
    Sketch(
        "SLICE",
        (Real(X), Given([0, 1, 2, 0]), Given([1, 2, 3, 8])),
        (Out((1, 2, 3, 8)),),
        lambda x, b, s: x[:, 1:3, 2:5],
    ),
    Sketch("TILE", (Real(X), Given([1, 2, 1, 1])), (Out((1, 8, 6, 8)),), lambda x, m: np.tile(x, (1, 2, 1, 1))),
    Sketch("BROADCAST_TO", (Real((1, 1, 1, 8)), Given(X)), (Out(X),), lambda x, s: np.broadcast_to(x, X)),
    Sketch("REVERSE_V2", (Real(X), Given([2])), (Out(X),), lambda x, a: x[:, :, ::-1]),
    Sketch(
        "REVERSE_SEQUENCE",
        (Real(X), Given([1, 3, 6, 4])),
        (Out(X),),
        _reversed_sequences,
        {"seq_dim": 2, "batch_dim": 1},
    ),
    Sketch("GATHER", (Real(X), Given([2, 0, 3])), (Out((1, 3, 6, 8)),), lambda x, i: x[:, i], {"axis": 1}),
    Sketch("GATHER_ND", (Real((4, 6)), Given([[2], [0], [3]])), (Out((3, 6)),), lambda x, i: x[i[:, 0]]),
    Sketch(
        "SCATTER_ND",
        (Given([[2], [0], [3]]), Real((3, 6)), Given([5, 6])),
        (Out((5, 6)),),
        _scattered,
    ),
    Sketch("PAD", (Real(X), Given(_PADDINGS)), (Out(_PADDED),), lambda x, p: np.pad(x, p)),
    Sketch(
        "PADV2",
        (Real(X), Given(_PADDINGS), Real((), constant=True)),
        (Out(_PADDED),),
        lambda x, p, v: np.pad(x, p, constant_values=v),
    ),
    Sketch(
        "MIRROR_PAD",
        (Real(X), Given(_PADDINGS)),
        (Out(_PADDED),),
        lambda x, p: np.pad(x, p, "reflect"),
        {"mode": "REFLECT"},
    ),
    Sketch("SPACE_TO_BATCH_ND", (Real(X), *_BLOCK), (Out((4, 2, 3, 8)),), lambda x, b, p: _space_to_batch(x)),
    Sketch("BATCH_TO_SPACE_ND", (Real((4, 2, 3, 8)), *_BLOCK), (Out(X),), lambda x, b, c: _batch_to_space(x)),
    Sketch("SPACE_TO_DEPTH", (Real(X),), (Out((1, 2, 3, 32)),), _space_to_depth, {"block_size": 2}),
    Sketch("DEPTH_TO_SPACE", (Real(X),), (Out((1, 8, 12, 2)),), _depth_to_space, {"block_size": 2}),
    Sketch(
        "SPLIT",
        (Given(3), Real(X)),
        (Out((1, 4, 6, 4)), Out((1, 4, 6, 4))),
        lambda a, x: tuple(np.split(x, 2, 3)),
        {"num_splits": 2},
    ),
    Sketch(
        "SPLIT_V",
        (Real(X), Given([3, 5]), Given(3)),
        (Out((1, 4, 6, 3)), Out((1, 4, 6, 5))),
        lambda x, s, a: tuple(np.split(x, [3], 3)),
        {"num_splits": 2},
    ),
    Sketch(
        "UNPACK",
        (Real((2, 4, 8)),),
        (Out((4, 8)), Out((4, 8))),
        lambda x: (x[0], x[1]),
        {"num": 2, "axis": 0},
    ),
    Sketch(
        "PACK",
        (Real((4, 8)), Real((4, 8))),
        (Out((2, 4, 8)),),
        lambda x, y: np.stack([x, y]),
        {"values_count": 2, "axis": 0},
    ),
    Sketch(
        "CONCATENATION",
        (Real(X), Real(X)),
        (Out((1, 4, 6, 16)),),
        lambda x, y: np.concatenate([x, y], 3),
        {"axis": 3},
    ),
    Sketch(
        "TOPK_V2",
        (Real((4, 8)), Given(3)),
        (Out((4, 3)), Out((4, 3), "int32")),
        lambda x, k: (-np.sort(-x, -1)[:, :3], np.argsort(-x, -1, kind="stable")[:, :3]),
    ),
    Sketch("FILL", (Given([2, 3]), Real(())), (Out((2, 3)),), lambda s, v: np.full((2, 3), v)),
    Sketch(
        "ONE_HOT",
        (Given([1, 0, 3]), Given(4), Real(()), Real(())),
        (Out((3, 4)),),
        lambda i, d, on, off: np.where(np.eye(4, dtype=bool)[i], on, off),
        {"axis": -1},
    ),
    Sketch("DYNAMIC_UPDATE_SLICE", (Real((4, 8)), Real((2, 3)), Given([1, 2])), (Out((4, 8)),), _updated),
    Sketch("MATRIX_DIAG", (Real((2, 4)),), (Out((2, 4, 4)),), _diagonal),
    Sketch("MATRIX_SET_DIAG", (Real((2, 4, 4)), Real((2, 4))), (Out((2, 4, 4)),), _with_diagonal),
    Sketch("SHAPE", (Real(X),), (Out((4,), "int32"),), lambda x: np.array(X), {"out_type": "INT32"}),
    Sketch("RANK", (Real(X),), (Out((), "int32"),), lambda x: np.array(4)),
    Sketch("WHERE", (Real((8,), 1, 4, zeros=True),), (Out((4, 1), "int64"),), np.flatnonzero),
]
