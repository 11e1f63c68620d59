"""QS401 helps only with what the target takes: float where it does, else the types that do."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic
from qspec.lint import check
from qspec.schema import loads
from tests.plan.layer_models import small_model

HEAD = 'qspec 1\nimport "std/int16x8.qspec"\n'
INT16 = "`type = int16, scheme = symmetric, granularity = per_tensor`"
INT8 = "`type = int8, scheme = asymmetric, granularity = per_tensor`"
WEIGHTS = "`type = int8, scheme = symmetric, granularity = per_channel`"


def refused(text: str) -> list[Diagnostic]:
    spec, diagnostics = loads(HEAD + text, "spec.qspec")
    assert spec is not None
    found = check(spec, small_model(), diagnostics).diagnostics
    return [item for item in found if item.code == "QS401" and item.target not in ("", "tflite")]


@pytest.mark.parametrize(
    ("default", "help"),
    [
        ("all = float", f"tflite_int16x8 takes activations of {INT16} and weights of {WEIGHTS}"),
        ("weights = w8, output = a8", f"tflite_int16x8 takes activations of {INT16}"),
    ],
)
def test_each_quantizer_is_told_once_and_with_the_types_that_are_taken(default: str, help: str) -> None:
    found = refused(f"deploy tflite_int16x8\ndefault {{ {default} }}\n")

    assert 1 == len(found)
    assert help == found[0].help


def test_following_the_help_leaves_no_refusal() -> None:
    assert [] == refused("deploy tflite_int16x8\ndefault { weights = w8, output = a16 }\n")


TARGET = "target own {{\n{}\n}}\ndeploy own\ninput {{ type = int8 }}\noutput {{ type = int8 }}\n"
DEFAULT = "default {{ weights = w8, output = {} }}\n"


def helps(rows: str, output: str) -> set[str]:
    return {item.help for item in refused(TARGET.format(rows) + DEFAULT.format(output)) if "no row" not in item.message}


def test_float_is_the_help_where_the_target_takes_it() -> None:
    (found,) = helps("op CONV_2D | DEPTHWISE_CONV_2D | FULLY_CONNECTED { input = float32, output = float32 }", "a8")

    assert 'to leave it in float: `rule … match any where path == "stem" { all = float }`' == found


def test_integers_are_the_help_where_float_is_not_taken() -> None:
    kinds = "op CONV_2D | DEPTHWISE_CONV_2D | FULLY_CONNECTED"

    assert {f"own takes activations of {INT8}"} == helps(f"{kinds} {{ input = int8, output = int8 }}", "a16")
    assert {""} == helps(f"{kinds} {{ input = int4, output = int4 }}", "a16")


def test_weights_alone_are_changed_where_they_alone_do_not_fit() -> None:
    rows = "op CONV_2D | DEPTHWISE_CONV_2D | FULLY_CONNECTED { input = int8, constant weights = int8 symmetric }"
    spec = TARGET.format(rows) + "default { weights = w8(type = int4), output = a8 }\n"

    assert {f"own takes weights of {WEIGHTS}"} == {
        item.help for item in refused(spec) if item.op in ("CONV_2D", "FULLY_CONNECTED")
    }


def test_what_a_form_asks_of_other_types_is_no_reason() -> None:
    rows = """
    op CONV_2D | DEPTHWISE_CONV_2D | FULLY_CONNECTED {
      form i8 { input = int8, constant weights = int8, output = int8, require version > 99 because "of i8 alone" }
    }"""
    messages = [item.message for item in refused(TARGET.format(rows) + DEFAULT.format("a16"))]

    assert any("`input` is int16" in message for message in messages)
    assert not any("of i8 alone" in message for message in messages)
