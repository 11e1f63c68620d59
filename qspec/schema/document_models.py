"""What a spec looks like as JSON, as pydantic models: the authority on the JSON Schema that `qspec schema` prints.

Imported for that alone; `document` writes the JSON, and a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qspec.schema.models import Count, Seed
from qspec.schema.quantizer import (
    CountType,
    EndType,
    FloatType,
    Granularity,
    IntegerType,
    RangeMethod,
    Rounding,
    Scheme,
)
from qspec.schema.settings import BatchNorm
from qspec.schema.spec import SlotKind


class Described(BaseModel):
    """The base of what is written out: closed, and nothing is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PlaceDocument(Described):
    """A place in a file. Lines and columns count from 1, columns in code points."""

    path: str
    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=1)]


class RangeDocument(Described):
    """Where a range comes from, and the numbers in its parentheses."""

    method: RangeMethod
    arguments: list[float]


class QuantizerDocument(Described):
    """A quantizer with every attribute filled in. One that was amended in place is named as it is written there."""

    name: str
    type: IntegerType | FloatType
    scheme: Scheme
    granularity: Granularity
    block_size: Count | None
    range: RangeDocument
    narrow: bool
    rounding: Rounding
    place: PlaceDocument | None


class PatternDocument(Described):
    """`pattern NAME = …`"""

    name: str
    pattern: str


class LayerClassDocument(Described):
    """`layer NAME as NAME`"""

    name: str
    like: str


class TargetDocument(Described):
    """A target that the spec defines itself; `qspec targets FILE --format json` has its table."""

    name: str
    title: str


class DeployDocument(Described):
    """`deploy`, with the value of every option."""

    name: str
    target: str
    options: dict[str, int | float | str]
    place: PlaceDocument


class BoundaryDocument(Described):
    """An `input` or `output` block; `name` is null in one that speaks of all."""

    name: str | None
    type: EndType | CountType | None
    range: RangeDocument | None
    batch: Count | Literal["dynamic"] | None
    place: PlaceDocument


class AssignmentDocument(Described):
    """`part.slot[key] = quantizer`; a `quantizer` of null is `float`."""

    part: str | None
    slot: SlotKind
    key: str | int | None
    quantizer: QuantizerDocument | None
    place: PlaceDocument


class RuleDocument(Described):
    """`rule NAME match PATTERN [where …] { … }`"""

    name: str
    pattern: str
    where: str | None
    assignments: list[AssignmentDocument]
    place: PlaceDocument


class CalibrateDocument(Described):
    """`calibrate { … }`; null: all samples, the batch of the file."""

    samples: Count | None
    batch: Count | None
    seed: Seed


class MomentDocument(Described):
    """`steps(N)` or `epochs(N)`"""

    unit: Literal["steps", "epochs"]
    count: Annotated[int, Field(ge=0)]


class TrainDocument(Described):
    """`train { … }`"""

    batch_norm: BatchNorm
    freeze_ranges_after: MomentDocument | None


class RequirementDocument(Described):
    """`require EXPR [because "…"]`"""

    condition: str
    reason: str | None
    place: PlaceDocument


class SpecDocument(Described):
    """A spec with its imports in place, every name looked up and every default filled in."""

    version: Literal[1]
    path: str
    files: list[str]
    quantizers: list[QuantizerDocument]
    patterns: list[PatternDocument]
    layer_classes: list[LayerClassDocument]
    targets: list[TargetDocument]
    deploys: list[DeployDocument]
    inputs: list[BoundaryDocument]
    outputs: list[BoundaryDocument]
    default: list[AssignmentDocument]
    rules: list[RuleDocument]
    calibrate: CalibrateDocument
    train: TrainDocument
    requirements: list[RequirementDocument]


def spec_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `SpecDocument`."""
    schema = SpecDocument.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A qspec spec"}
