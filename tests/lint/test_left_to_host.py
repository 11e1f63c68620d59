"""QS402 for what `default` assigns, a note, one for each target; and for a target that takes nothing, a warning."""

from __future__ import annotations

from qspec.diagnostics import Diagnostic
from qspec.lint import check
from qspec.schema import loads
from tests.plan.layer_models import small_model

SPEC = """\
qspec 1
import "std/int8.qspec"
input { type = int8 }
output { type = int8 }
default {
  weights = w8
  output = a8
}
target tensors on tflite {
  op CONV_2D | DEPTHWISE_CONV_2D | FULLY_CONNECTED { constant weights = int8 per_tensor }
  op MAX_POOL_2D { input = int8 }
}
target channels on tflite {
  op CONV_2D | DEPTHWISE_CONV_2D | FULLY_CONNECTED { constant weights = int8 per_channel(0) | int8 per_channel(3) }
}
deploy tensors
deploy channels
"""


def left(text: str) -> list[Diagnostic]:
    spec, diagnostics = loads(text, "spec.qspec")
    assert spec is not None
    return [item for item in check(spec, small_model(), diagnostics).diagnostics if item.code == "QS402"]


def test_one_note_tells_of_all_that_default_keeps_off_a_target() -> None:
    (note,) = left(SPEC)

    assert ("note", "tensors", "spec.qspec:6:13") == (note.severity.value, note.target, str(note.span))
    assert note.message.startswith("`tensors` leaves 2 CONV_2D, ")
    assert "because of what `default` assigns: `weights` is " in note.message


def test_what_a_rule_keeps_off_is_a_warning_of_its_own() -> None:
    rule = "rule all match Conv2D | SeparableConv2D | Dense { weights = w8_tensor }\n"
    found = left(SPEC + rule)

    assert [("warning", "channels")] == [(item.severity.value, item.target) for item in found]


def test_beside_a_mistake_there_is_no_note() -> None:
    assert [] == left(SPEC + "rule head match Dense { weights = w9 }\n")


def test_a_version_that_a_quantizer_brings_is_told_at_the_quantizer() -> None:
    """CONV_2D has version 3 with int8 weights, 7 with int4 ones (LiteRT f674577, op_version.cc)."""
    target = "target old on tflite { op CONV_2D { require version <= 3 } }\ndeploy old\n"
    ends = SPEC.partition("target tensors")[0] + "quantizer w4 extends w8 { type = int4 }\n"
    rule = 'rule stem match Conv2D where name == "stem" { weights = w4 }\n'
    (found,) = (item for item in left(ends + target + rule) if "CONV_2D of `stem`" in item.message)

    assert "`old` leaves CONV_2D of `stem` to the host: `version <= 3` does not hold: `version` is 7" == found.message
    assert ("warning", "w4") == (found.severity.value, found.span.source.text[found.span.start : found.span.end])


def test_a_cast_at_the_edge_of_the_model_is_not_because_of_default() -> None:
    """XNNPACK has no QUANTIZE from uint8 to int8, and uint8 is what the `input` block asks for."""
    text = SPEC.partition("target tensors")[0].replace("input { type = int8 }", "input { type = uint8 }")

    assert [] == [item for item in left(text + "deploy xnnpack\n") if "QUANTIZE" in item.message]


NOTHING = SPEC.replace("  op MAX_POOL_2D { input = int8 }\n", "")


def test_a_target_that_takes_no_op_is_a_warning_where_default_is_why() -> None:
    (warning,) = left(NOTHING)

    assert ("warning", "tensors", "spec.qspec:6:13") == (warning.severity.value, warning.target, str(warning.span))
    assert warning.message.startswith("`tensors` takes no op of the model: it leaves 2 CONV_2D, ")
    assert [] == left(NOTHING + "rule head match Dense { weights = w9 }\n")


def test_a_target_that_takes_no_op_in_any_type_is_a_warning_at_its_deploy() -> None:
    ends, deployed = (
        SPEC.partition("target tensors")[0],
        "target other on tflite { op ABS { input = int8 } }\ndeploy other\n",
    )
    (warning,) = left(ends + deployed)

    assert ("warning", "other") == (warning.severity.value, warning.target)
    assert "other" == warning.span.source.text[warning.span.start : warning.span.end]
    assert "`other` takes no op of the model: it leaves 2 CONV_2D, MAX_POOL_2D, " in warning.message
    assert [] == left(f"{ends}{deployed}rule head match Dense {{ weights = w9 }}\n")


def test_where_nothing_is_quantized_that_is_the_warning() -> None:
    assert [] == left("qspec 1\ntarget other on tflite { op ABS { input = int8 } }\ndeploy other\n")
