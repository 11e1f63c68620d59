"""What a quantizer is: a number type, how its scale is shared, and where its range comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qspec.diagnostics import Span

IntegerType = Literal["int2", "int3", "int4", "int5", "int6", "int7", "int8", "int16", "uint8", "int32", "int64"]
FloatType = Literal["float16", "float32"]
EndType = Literal["float32", "float16", "int8", "uint8", "int16"]
"""What a file takes and gives where the model has real numbers."""
CountType = Literal["int32", "int64"]
"""What a file takes and gives where the model has integers, as it has them."""
Scheme = Literal["symmetric", "asymmetric"]
Granularity = Literal["per_tensor", "per_channel", "per_block"]
Rounding = Literal["half_away", "half_even", "stochastic"]
RangeMethod = Literal["minmax", "ema", "percentile", "mse", "kl", "fixed", "exact", "learned", "learned_clip"]


@dataclass(frozen=True, slots=True)
class Range:
    """Where a quantizer's range comes from. `arguments` are the method's numbers, in order.

    `minmax`; `ema(decay)`; `percentile(p)`, 50 < p <= 100; `mse`; `kl`; `fixed(low, high)`; `exact(scale, zero_point)`;
    `learned` (LSQ); `learned_clip` (PACT).
    """

    method: RangeMethod = "minmax"
    arguments: tuple[float, ...] = ()

    @property
    def estimated(self) -> bool:
        """Whether data decides it."""
        return self.method not in ("fixed", "exact")

    def __str__(self) -> str:
        arguments = ", ".join(f"{argument:g}" for argument in self.arguments)
        return self.method + (f"({arguments})" if arguments else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantizer:
    """A quantizer as written, with every attribute filled in.

    `granularity` is `per_tensor`, `per_channel` (the output channels) or `per_block` (of `block_size` values). `narrow`
    leaves out the lowest code, so that a symmetric int8 runs from -127 to 127. `span` is the definition's name, or the
    place where it was amended; `spans` are the values of its attributes, where they were written. `doubtful` is one
    whose definition has a mistake, so that it is not known what was meant.
    """

    name: str
    type: IntegerType | FloatType = "int8"
    scheme: Scheme = "asymmetric"
    granularity: Granularity = "per_tensor"
    block_size: int | None = None
    range: Range = Range()
    narrow: bool = False
    rounding: Rounding = "half_away"
    span: Span | None = None
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)
    doubtful: bool = field(default=False, compare=False, repr=False)

    @property
    def is_float(self) -> bool:
        """Whether it leaves values in floating point."""
        return self.type.startswith("float")

    @property
    def bits(self) -> int:
        """The width of the type."""
        return int(self.type.removeprefix("u").removeprefix("int").removeprefix("float"))

    @property
    def code_range(self) -> tuple[int, int]:
        """The lowest and highest integer of the type, `narrow` respected."""
        if self.type == "uint8":
            return (1 if self.narrow else 0), 255
        half = 1 << (self.bits - 1)
        return -half + int(self.narrow), half - 1
