"""How much a target can hold, and what its table says of a model with more."""

from __future__ import annotations

import pytest

from qspec.diagnostics.catalogue import REFUSED_MODEL, TARGET_WARNING, UNKNOWN_ATTRIBUTE
from qspec.graph.layers import LayerGraph
from qspec.lint import Report, check
from qspec.schema import loads, shipped_target
from tests.plan.layer_models import ModelBuilder

HEAD = """\
qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
input { type = int8 }
output { type = int8 }
"""
BYTES = 2 * (3 * 3 * 4 * 4 + 4 * 4)  # of two convolutions: their weights, and a bias of int32 for each of four channels


def model() -> LayerGraph:
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 4, name="image"), name="first")
    x = m("Activation", x, name="between", activation="sigmoid")
    return m.graph(m("Conv2D", x, name="second"))


def checked(items: str, partition: str = "any", deployed: str = "npu") -> Report:
    rows = "op CONV_2D { input = int8, output = int8 }"
    text = f"target npu on tflite {{\n{items}\npartition = {partition}\n{rows}\n}}\ndeploy {deployed}\n"
    spec, diagnostics = loads(HEAD + text)
    assert spec is not None
    return check(spec, model(), diagnostics)


@pytest.mark.parametrize(
    ("room", "excess", "told", "codes"),
    [
        (BYTES, "", "0.31 of 0.31 KiB", []),
        (BYTES - 1, "", "0.31 of 0.31 KiB; that is more than it holds", [TARGET_WARNING]),
        (BYTES - 1, 'memory.excess = "it is slow"', "0.31 of 0.31 KiB; it is slow", []),
        (BYTES, 'memory.excess = "it is slow"', "0.31 of 0.31 KiB", []),
    ],
)
def test_what_becomes_of_the_rest_is_for_the_table_to_say(room: int, excess: str, told: str, codes: list) -> None:
    report = checked(f"memory.parameters = {room} B\n{excess}")

    assert f"  parameters: {told}" == report.placement_text().splitlines()[1]
    assert [code.code for code in codes] == [item.code for item in report.diagnostics]


@pytest.mark.parametrize(("limit", "partition", "refused"), [
    (BYTES - 1, "any", True),
    (BYTES, "any", False),
    (BYTES // 2 - 1, "prefix", True),  # the second convolution stays behind the sigmoid, on the host
    (BYTES // 2, "prefix", False),
])  # fmt: skip
def test_a_table_refuses_a_model_for_its_parameters(limit: int, partition: str, refused: bool) -> None:
    report = checked(f'model {{ refuse when parameters > {limit} B because "too large" }}', partition)

    assert [REFUSED_MODEL.code] * refused == [item.code for item in report.diagnostics]


@pytest.mark.parametrize(("step", "refused"), [("a", True), ("b", False)])
def test_a_limit_may_depend_on_an_option(step: str, refused: bool) -> None:
    items = f"""
      option step = "b" in ("a", "b")
      memory.parameters = {BYTES} B
      model {{ refuse when parameters > memory.parameters or step == "a" and parameters > {BYTES - 1} B }}
    """
    report = checked(items, deployed=f'npu(step = "{step}")')

    assert [REFUSED_MODEL.code] * refused == [item.code for item in report.diagnostics]


def test_only_the_edge_tpu_brings_parameters_in_piece_by_piece() -> None:
    assert "the rest is brought in piece by piece" == shipped_target("edgetpu").excess
    assert "piece" not in checked("memory.parameters = 1 B").placement_text()


@pytest.mark.parametrize(
    ("item", "offered"),
    [
        ("memory.paramters = 1 KiB", "memory.parameters"),
        ("memory.exces = 'x'", "memory.excess"),
        ("memory = 1 KiB", "memory.parameters"),
        ("memory.parameters[0] = 1 KiB", None),
        ("memory.parameters.all = 1 KiB", "memory.parameters"),
    ],
)
def test_unknown_words_are_errors_with_the_similar_one(item: str, offered: str | None) -> None:
    _, (diagnostic, *others) = loads(f"qspec 1\ntarget npu {{\n{item}\n}}\n")

    assert (UNKNOWN_ATTRIBUTE.code, []) == (diagnostic.code, others)
    assert offered is None or f"`{offered}`" in diagnostic.help


@pytest.mark.parametrize(
    ("limit", "place"),
    [
        ("memory.paramters", "memory.paramters"),
        ("memory", "memory"),
        ("memory.parameters.all", "memory.parameters.all"),
        ("memory.excess", "memory.excess"),
        ("memory.parameters", "memory.parameters"),  # which the table does not say
    ],
)
def test_a_limit_that_is_no_number_is_an_error(limit: str, place: str) -> None:
    text = f"model {{ refuse when parameters > {limit} }}\nop ADD {{ input = int8 }}"
    spec, diagnostics = loads(f"qspec 1\ntarget npu {{\n{text}\n}}\n")
    assert spec is not None
    (one,) = check(spec, None, diagnostics).diagnostics

    assert ("QS101", place) == (one.code, one.span.source.text[one.span.start : one.span.end])
