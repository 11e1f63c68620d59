"""The placement predicted for published models against what the Edge TPU compiler made of them, op by op.

`edgetpu_compiled.json` was read from public repositories that hold a model beside its compiled twin: the ops of the
model; which of them the twin no longer has outside its Edge TPU op (`mapped`); the `min_runtime_version` of the package
in that op; and the compiler, where a log names it. A tensor is its type and shape, whether it is constant, the axis of
its scales or its scale and zero point, and its value if it is a short list of integers.

No disagreement is left. What disagreed at first taught the table: TILE is mapped; dilated depthwise convolutions,
QUANTIZE, padded channels and the LSTM run on runtime 12; resizing depends on the factor; an ADD of version 4 is not
mapped; large transpositions are not; a window of one row may be dilated as it likes; a split into one part may be along
the batch; and host ops at the beginning of a model cut nothing off.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.targets import Placement, Representation, Table, place
from tests.targets.one_op import shipped

COMPILED = Path(__file__).with_name("edgetpu_compiled.json")
MODELS: list[dict[str, Any]] = json.loads(COMPILED.read_text("utf-8"))
TENSOR = re.compile(r"(\w+)(\[.*?\])( const)?(?: axis (\d))?(?: scale (\S+) (\S+))?(?: = (.*))?")


def listed(value: Any) -> Any:
    return tuple(listed(item) for item in value) if isinstance(value, list) else value


def tensor_of(text: str, number: int) -> tuple[Tensor, Representation]:
    match = TENSOR.fullmatch(text)
    assert match is not None
    type_, shape, constant, axis, scale, zero_point, value = match.groups()
    known = None if value is None else listed(json.loads(value))
    tensor = Tensor(number, f"t{number}", listed(json.loads(shape)), type_, constant is not None, None, known)
    if axis is not None:
        return tensor, Representation(type_, "symmetric", "per_channel", int(axis))
    if scale is not None:
        scheme = "symmetric" if zero_point == "0" else "asymmetric"
        return tensor, Representation(type_, scheme, "per_tensor", None, float(scale), int(zero_point))
    return tensor, Representation(type_)


def op_of(text: str, number: int) -> tuple[Op, int, bool]:
    """The op, its version in the file, and whether the compiler mapped it."""
    kind, version, where, inputs, outputs, attributes = text.split(" ")
    op = Op(
        number, kind, *map(listed, map(json.loads, (inputs, outputs))), json.loads(attributes), layer=f"op {number}"
    )
    return op, int(version), where == "mapped"


def placed(model: dict[str, Any], runtime: int) -> tuple[Placement, list[bool]]:
    """Our placement, and for each op whether the compiler mapped it."""
    tensors = [tensor_of(text, number) for number, text in enumerate(model["tensors"])]
    ops = [op_of(text, number) for number, text in enumerate(model["ops"])]
    graph = OpGraph(
        tuple(tensor for tensor, _ in tensors),
        tuple(op for op, _, _ in ops),
        tuple(model["inputs"]),
        tuple(model["outputs"]),
    )
    table = Table(shipped("edgetpu"), {"runtime": runtime, "compiler": model["compiler"] or 16})
    versions = {op.index: version for op, version, _ in ops}
    return place(table, graph, lambda tensor: tensors[tensor][1], versions), [mapped for _, _, mapped in ops]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["model"])
@pytest.mark.parametrize("newest", [True, False], ids=["the newest runtime", "its own minimum"])
def test_as_the_compiler_did(model: dict[str, Any], newest: bool) -> None:
    runtime = 13 if model["compiler"] == 15 else 14
    placement, mapped = placed(model, runtime if newest else model["min_runtime"])

    assert [] == [
        (ours.op.index, ours.op.kind, theirs, [reason.message for reason in ours.why])
        for ours, theirs in zip(placement.ops, mapped, strict=True)
        if theirs != ours.accelerated
    ]
    assert model["subgraphs"] == placement.partitions
    assert () == placement.refused


def test_the_models_are_worth_comparing() -> None:
    ops = [op.split(" ") for model in MODELS for op in model["ops"]]

    assert (22, 2049) == (len(MODELS), len(ops))
    assert 604 == sum(where == "host" for _, _, where, *_ in ops)
    assert 37 == len({kind for kind, *_ in ops})


def test_what_published_models_alone_show_is_unverified() -> None:
    (lstm,) = (model for model in MODELS if model["model"] == "keras_lstm_mnist_ptq.tflite")

    def doubtful(runtime: int) -> set[str]:
        return {op.op.kind for op in placed(lstm, runtime)[0].ops if op.verdict.unverified is not None}

    assert {"QUANTIZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "RESHAPE"} == doubtful(12)
    assert {"RESHAPE"} == doubtful(14)
