"""What each block may say, as pydantic models: the authority on every attribute's type and bounds.

Importing pydantic takes longer than checking a spec, so nothing imports this module before a value is in doubt.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from qspec.schema.quantizer import CountType, EndType, FloatType, Granularity, IntegerType, Range, Rounding, Scheme
from qspec.schema.settings import BatchNorm

Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Block(BaseModel):
    """The base of all: immutable, closed, and without conversions. None is an attribute that was not written."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class QuantizerBlock(Block):
    """`quantizer NAME { … }` and amendments; `range` and `granularity` have been read before."""

    type: IntegerType | FloatType | None = None
    scheme: Scheme | None = None
    granularity: Granularity | None = None
    block_size: Count | None = None
    range: Range | None = None
    narrow: bool | None = None
    rounding: Rounding | None = None


class BoundaryBlock(Block):
    """`input { … }` and `output { … }`."""

    type: EndType | CountType | None = None
    range: Range | None = None
    batch: Count | Literal["dynamic"] | None = None


class CalibrateBlock(Block):
    """`calibrate { … }`"""

    samples: Count | None = None
    batch: Count | None = None
    seed: Seed | None = None


class TrainBlock(Block):
    """`train { … }`"""

    batch_norm: BatchNorm | None = None
    freeze_ranges_after: tuple[Literal["steps", "epochs"], int] | None = None
