"""Targets that people write themselves, the manual's among them: new ones, and amended ones."""

from __future__ import annotations

import re

import pytest

from qspec._resources import resource
from qspec.schema import loads
from qspec.schema.target import TargetDefinition
from qspec.targets import Outcome, Table, Verdict
from tests.targets.one_op import T, integers, one_op, weights

MANUAL = (resource("grammar") / "README.md").read_text(encoding="utf-8").split("### A table of your own")[1]
ACME, OFFICE = re.findall(r"```qspec\n(.*?)```", MANUAL.split("\n## ")[0], re.DOTALL)


def target(text: str, name: str) -> TargetDefinition:
    spec, diagnostics = loads(text if text.startswith("qspec 1") else f"qspec 1\n{text}")
    assert () == diagnostics
    assert spec is not None
    return spec.targets[name]


def asked(definition: TargetDefinition, kind: str, inputs: list[T], output: T, **options: int) -> Verdict:
    graph, made = one_op(kind, inputs, [output], {"stride_w": 1, "stride_h": 1})
    table = Table(definition, options)
    return table.judge(graph.ops[0], graph, lambda tensor: made[tensor].representation)


def int8(*shape: int) -> T:
    return T("int8", shape)


BIAS = T("int32", (8,), True, scale=None)
IMAGE = int8(1, 6, 6, 4)


@pytest.mark.parametrize(
    ("type", "window", "form", "reasons"),
    [
        ("int4", 3, "i4", []),
        ("int8", 3, "i8", []),
        ("int8", 5, "i8", ["the window is 3 by 3"]),
        ("int4", 5, "i4", ["the window is 3 by 3"]),
        ("int2", 3, "i4", ["`weights` is int2; taken: int4 symmetric per_channel(0) | int8 symmetric per_channel(0)"]),
    ],
)
def test_the_accelerator_of_the_manual_takes_four_bits(type: str, window: int, form: str, reasons: list[str]) -> None:
    kernel = weights(type, 8, window, window, 4, axis=0)
    verdict = asked(target(ACME, "acme"), "CONV_2D", [IMAGE, kernel, BIAS], int8(1, 4, 4, 8))

    assert (form, reasons) == (verdict.form, [reason.message for reason in verdict.reasons])
    assert (Outcome.LEFT_TO_HOST if reasons else Outcome.ACCEPTED) is verdict.outcome


def test_and_no_softmax_and_its_errors_point_into_the_table() -> None:
    definition = target(ACME, "acme")
    (reason,) = asked(definition, "SOFTMAX", [int8(1, 8)], int8(1, 8)).reasons
    per_channel = [int8(1, 8), weights("int8", 8, 8, axis=0), BIAS]
    (narrow,) = asked(definition, "FULLY_CONNECTED", per_channel, int8(1, 8)).reasons
    line = ACME.count("\n", 0, ACME.index("constant weights = int8 symmetric per_tensor")) + 1

    assert ("`acme` has no row for SOFTMAX", definition.span) == (reason.message, reason.span)
    assert line == narrow.span.source.position(narrow.span.start)[0]


@pytest.mark.parametrize(("axes", "taken"), [((1, 2), True), ((3,), False)])
def test_a_mean_is_taken_over_images_and_unverified(axes: tuple[int, ...], taken: bool) -> None:
    verdict = asked(target(ACME, "acme"), "MEAN", [IMAGE, integers(axes)], int8(1, 4))

    assert (taken, "the sheet does not say how it rounds") == (verdict.accepted, verdict.unverified)


# ---- amended tables


def office() -> TargetDefinition:
    return target(OFFICE, "office_tpu")


def test_an_amended_table_keeps_what_it_does_not_speak_of() -> None:
    kernel = weights("int8", 8, 1, 1, 4, axis=0)

    assert asked(office(), "CONV_2D", [IMAGE, kernel, BIAS], int8(1, 6, 6, 8)).accepted
    assert {"runtime", "compiler", "cooled"} == set(office().options)
    assert ("prefix", "tflite") == (office().partition, office().host and office().host.name)


@pytest.mark.parametrize(("size", "taken"), [(100, True), (101, False), (16000, False)])
def test_a_row_takes_the_place_of_the_one_before(size: int, taken: bool) -> None:
    assert taken == asked(office(), "SOFTMAX", [int8(1, size)], int8(1, size)).accepted


def test_a_removed_op_stays_with_the_host() -> None:
    inputs = [IMAGE, integers((0, 2, 1, 3))]

    assert asked(target("target t extends edgetpu {}", "t"), "TRANSPOSE", inputs, IMAGE).accepted
    assert Outcome.LEFT_TO_HOST is asked(office(), "TRANSPOSE", inputs, IMAGE).outcome


def test_conditions_add_up() -> None:
    warm, cool = (asked(office(), "RELU", [IMAGE], IMAGE, cooled=on) for on in (0, 1))
    batch = int8(2, 4, 4, 4)

    assert (["images make the stick hot"], []) == tuple(
        [one.message for one in verdict.warnings] for verdict in (warm, cool)
    )
    assert not asked(office(), "RELU", [batch], batch, cooled=1).accepted  # the Edge TPU's own rule


AMENDED = """target base on tflite {
  option level = 1 in 1..3
  op ADD | MUL { input = int8, output = int8 }
  op any { require rank <= 4 because "flat" }
}
target more extends base {
  op SUB { input = int8, output = int8 }
  op MUL { input = int8 | uint8, output = int8 | uint8 }
}
target less extends more {
  op ADD { input = int8, output = int8, require level >= 2 because "later" }
  without SUB | MUL
}
target free extends base { without any }
"""


@pytest.mark.parametrize(
    ("name", "kind", "type", "options", "taken"),
    [
        ("base", "SUB", "int8", {}, False),
        ("more", "SUB", "int8", {}, True),
        ("base", "MUL", "uint8", {}, False),
        ("more", "MUL", "uint8", {}, True),
        ("more", "ADD", "uint8", {}, False),
        ("less", "ADD", "int8", {"level": 1}, False),
        ("less", "ADD", "int8", {"level": 2}, True),
        ("less", "MUL", "int8", {"level": 2}, False),
        ("less", "SUB", "int8", {"level": 2}, False),
    ],
)
def test_adding_widening_narrowing_and_removing(
    name: str, kind: str, type: str, options: dict[str, int], taken: bool
) -> None:
    x = T(type, (1, 4))

    assert taken == asked(target(AMENDED, name), kind, [x, x], x, **options).accepted


@pytest.mark.parametrize(("name", "taken"), [("base", False), ("free", True)])
def test_rows_for_every_op_can_be_removed_too(name: str, taken: bool) -> None:
    x = int8(1, 2, 3, 4, 5)

    assert taken == asked(target(AMENDED, name), "ADD", [x, x], x).accepted
