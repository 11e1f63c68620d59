"""What the `calibrate` and `train` blocks say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qspec.diagnostics import Span

BatchNorm = Literal["fold", "track", "keep"]


@dataclass(frozen=True, kw_only=True)
class Calibrate:
    """`calibrate { samples = N, batch = N, seed = N }`; None: all samples, the batch that the file has."""

    samples: int | None = None
    batch: int | None = None
    seed: int = 0
    spans: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Train:
    """`train { batch_norm = fold, freeze_ranges_after = steps(N) }`"""

    batch_norm: BatchNorm = "fold"
    freeze_ranges_after: tuple[Literal["steps", "epochs"], int] | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
