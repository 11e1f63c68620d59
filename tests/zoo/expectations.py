"""What must hold of every model of the zoo, and the exceptions with their reasons and figures."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOVEMENT = frozenset(
    {
        "RESHAPE", "TRANSPOSE", "PAD", "PADV2", "MIRROR_PAD", "CONCATENATION", "SLICE", "STRIDED_SLICE", "SPLIT",
        "SPLIT_V", "PACK", "UNPACK", "GATHER", "GATHER_ND", "TILE", "BROADCAST_TO", "EXPAND_DIMS", "SQUEEZE",
        "REVERSE_V2", "MAX_POOL_2D", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
        "RESIZE_NEAREST_NEIGHBOR", "REDUCE_MAX", "REDUCE_MIN", "SELECT", "SELECT_V2",
    }
)  # fmt: skip
"""Ops that pick codes and compute none: all elements are equal."""

EQUAL = {"MEAN": 0.85, "RSQRT": 0.95}
"""The smallest share of elements of a tensor that are equal, by the op that writes it; of others it is 0.98. The roots
of RSQRT are 1e-5 too large, so that one or two of 256 codes are one higher; they may be many of a tensor's."""

FEW = 3
"""So many elements of a small tensor may be 1 LSB off, whatever share that is."""

LEAST_SQNR = 20.0
"""In dB, of a file against the float model on the same weights, after training in integers alone."""


@dataclass(frozen=True)
class Exempt:
    """A finding that is known: of which models (a pattern) and of what (the begin of the finding), the worst figure,
    and why it is so."""

    models: str
    finding: str
    figure: str
    reason: str


EXEMPT: tuple[Exempt, ...] = (
    Exempt("*", "ELU alone: reference kernels", "refused", "LiteRT's reference kernels have no ELU of int8"),
    Exempt("operations/integers_*", "ADD", "78.9% equal", "sums just between two steps, decided by the 31st bit"),
    Exempt("attention/attention_additive_bare_self", "trained: ADD", "96.8% equal", "the same: scales nearly 1 to 2"),
    Exempt("operations/tan", "", "238 LSB", "DIV of int8 is wrong for quotients far below a step, as beside a pole"),
    Exempt("operations/reciprocal", "", "255 LSB", "the same"),
    Exempt("operations/*", "SQNR", "14 dB", "thresholds, powers and products magnify the steps of their inputs"),
    Exempt("operations/*", "TILE alone: reference kernels", "refused", "nor a TILE"),
    Exempt("operations/*", "DEPTH_TO_SPACE alone: reference kernels", "refused", "nor this"),
    Exempt("*", "RESIZE_BILINEAR alone: fast kernels", "2 LSB", "XNNPACK takes other positions for a factor of 3"),
    Exempt("*", "SUM alone: reference kernels", "up to 255 LSB", "LiteRT's reference SUM of int8 is wrong"),
    Exempt("*_of_one*", "SUB: 0.0% equal", "1 LSB of 4e-9", "x - x: the range is empty, and the scale the least"),
    Exempt("*normalization_*_of_one*", "SQNR", "4 dB", "x / sqrt(x * x): most squares are less than half a step"),
    Exempt("*normalization_*_of_one*", "the loss does not fall", "0.16 to 0.19", "it is the sign: it has no slope"),
    Exempt("recurrent/lstm_hard", "trained: ADD", "96.9% equal", "sums just between two steps, as above"),
    Exempt("recurrent/simplernn_initial", "SQNR", "18.9 dB", "errors go round a loop of random weights with no gate"),
    Exempt("recurrent/masked_gru", "SQNR", "18.8 dB", "masked steps pass the state on, and with it what was rounded"),
    Exempt("preprocessing/contrast", "SQNR", "18 dB", "one SELECT for image and result: they share one scale"),
    Exempt(
        "preprocessing/contrast_*", "DIV", "96.5% equal", "quotients just between two steps, by a rounded reciprocal"
    ),
    Exempt("preprocessing/spectrogram_angle_stereo", "trained: the loss does", "1.8", "angles jump from -pi to pi"),
    Exempt("preprocessing/mel_*", "SQNR", "8.9 dB", "the logarithm of a power below half a step"),
    Exempt("preprocessing/augmentation_RandomShear", "trained: refused", "all", "Keras 3.15 cannot copy the layer"),
    Exempt("preprocessing/augmentation_Equalization_*", "trained: refused", "all", "nor this: its graph has a cycle"),
    Exempt("*/augmentation_*_of_bytes", "trained: refused", "all", "Keras itself cannot train them on bytes"),
    Exempt("*/*spectrogram_*", "SQNR", "9 dB", "the logarithm of a power below half a step"),
    Exempt("activations/*sparsemax", "SQNR", "13 dB", "a threshold from sums of sorted scores in steps of 8 bits"),
)


def findings(name: str, figures: Mapping[str, Any]) -> list[str]:
    """What is not as it must be, without what is exempt."""
    return [
        found
        for found in _all(figures)
        if not any(fnmatch.fnmatch(name, known.models) and known.finding in found for known in EXEMPT)
    ]


def _all(figures: Mapping[str, Any]) -> Iterator[str]:
    if "died" in figures:
        yield f"it ends the process: {figures['died']}"
    for way in ("post", "trained"):
        for finding in _of_way(figures.get(way, {})):
            yield f"{way}: {finding}"


def _of_way(figures: Mapping[str, Any]) -> Iterator[str]:
    if "error" in figures:
        yield f"refused: {figures['error'][:1]}"
    if not figures or "error" in figures:
        return
    if not figures["ok"]:
        yield f"not verified: {figures['problems'][:1]}"
    if figures["unexplained"]:
        yield f"float without a reason: {figures['unexplained']}"
    yield from _of_parity(figures["parity"])
    for kind, pair in figures["kernels_of_ops"].items():
        for kernels, distance in pair.items():
            if distance == "refused" or distance > 1:
                yield f"{kind} alone: {kernels} kernels {distance}"
    if figures.get("finite") is False:
        yield "the loss is not finite"
    if figures.get("falling") is False:
        yield f"the loss does not fall: {figures['losses']}"
    if "losses" not in figures and figures["sqnr"] is not None and figures["sqnr"] < LEAST_SQNR:
        yield f"SQNR {figures['sqnr']} dB"


def _of_parity(parity: Mapping[str, Any]) -> Iterator[str]:
    for kind, (largest, equal, elements) in parity.items():
        least = 1.0 if kind in MOVEMENT else EQUAL.get(kind, 0.98)
        if largest > 1:
            yield f"{kind}: {largest} LSB"
        if equal < least and (kind in MOVEMENT or (1 - equal) * elements > FEW):
            yield f"{kind}: {equal:.1%} equal"
