"""Of a conflict, both places are shown: who said the one thing, and who the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from qspec.diagnostics import Diagnostic, Span
from qspec.lint import check
from qspec.schema import load
from tests.diagnostics.page_models import PAGE_MODELS

HEAD = """\
qspec 1
import "std/int8.qspec"
quantizer a4 extends a8 { type = int4 }
quantizer a16 extends a8 { type = int16, scheme = symmetric }
quantizer unit extends a8 { range = fixed(0, 1) }
quantizer wide extends a8 { range = percentile(99) }
"""
USUAL = "default { weights = w8, output = a8 }\n"


def found(text: str, model: str, code: str, folder: Path) -> Diagnostic:
    """The first diagnostic of that code."""
    path = folder / "edge.qspec"
    path.write_text(HEAD + text)
    spec, diagnostics = load(path)
    assert spec is not None
    report = check(spec, PAGE_MODELS[model](), diagnostics)
    return next(item for item in report.diagnostics if item.code == code)


def shown(place) -> tuple[str, str]:
    """The file's name, and what stands at the place."""
    assert isinstance(place, Span)
    return Path(place.source.path).name, place.source.text[place.start : place.end]


OWN, LITERT = "edge.qspec", "tflite.qspec"
CASES = {
    "two definitions": (
        "QS104", "small", "quantizer twice { type = int8 }\nquantizer twice { type = int4 }\n" + USUAL,
        "twice", [(OWN, "twice")],
    ),
    "a target of one's own and the shipped one": (
        "QS104", "small", "target edgetpu { op ADD { input = int8 } }\n" + USUAL,
        "edgetpu", [("edgetpu.qspec", "edgetpu")],
    ),
    "every hop of a circle": (
        "QS105", "small", "quantizer x extends y { narrow = true }\nquantizer y extends x { narrow = true }\n" + USUAL,
        "x", [(OWN, "y"), (OWN, "x")],
    ),
    "two assignments in a block": (
        "QS203", "small", USUAL + "rule r match Dense { weights = w8, weights = w8_tensor }\n",
        "weights", [(OWN, "weights")],
    ),
    "two attributes that have no meaning together": (
        "QS204", "small", USUAL + "quantizer pixels { type = uint8, scheme = symmetric }\n",
        "symmetric", [(OWN, "uint8")],
    ),
    "an attribute and the one of the quantizer that is extended": (
        "QS204", "small", USUAL + "quantizer half { type = float16 }\nquantizer odd extends half { narrow = true }\n",
        "true", [(OWN, "float16")],
    ),
    "two parts of one name": (
        "QS206", "small", USUAL + "rule r match Conv2D as a -> BatchNormalization as a { a.weights = w8 }\n",
        "a", [(OWN, "a")],
    ),
    "a rule and the one that overrides it": (
        "QS302", "small", USUAL + 'rule early match Dense { weights = w8_tensor }\n'
        'rule late match any where class == "Dense" { weights = w8(type = int4) }\n',
        "early", [(OWN, "late")],
    ),
    "an assignment to a part that is absent, and the part": (
        "QS303", "small", USUAL + "rule r match Dense -> ReLU? as act { act.output = a8 }\n",
        "act.output", [(OWN, "act")],
    ),
    "two quantizers of shared weights": (
        "QS305", "shared", USUAL + "rule r match Dense as a -> Dense as b { a.weights = w8, b.weights = w8_tensor }\n",
        "w8_tensor", [(OWN, "w8")],
    ),
    "a quantizer and the fixed output of an op": (
        "QS306", "small", USUAL + "rule r match Dense { output = wide }\n",
        "wide", [(LITERT, "SOFTMAX")],
    ),
    "a quantizer and the one that it shares a scale with": (
        "QS306", "small", USUAL + "rule a match Conv2D -> BatchNormalization -> ReLU { output = unit }\n"
        "rule b match MaxPooling2D { output = wide }\n",
        "wide", [(OWN, "unit")],
    ),
    "a type and that of the input, which the op keeps": (
        "QS306", "small", USUAL + "rule a match Conv2D -> BatchNormalization -> ReLU { output = a8 }\n"
        "rule b match MaxPooling2D { output = a16 }\n",
        "a16", [(OWN, "a8"), (LITERT, "AVERAGE_POOL_2D | MAX_POOL_2D")],
    ),
    "a rule and the block of the model's input": (
        "QS306", "small", "input { type = int8, range = fixed(-1, 1) }\n" + USUAL
        + "rule r match InputLayer { output = unit }\n",
        "unit", [(OWN, "fixed(-1, 1)")],
    ),
    "an input and the float that the op computes in": (
        "QS306", "small", USUAL + "rule r match Dense { output = float, input = unit }\n",
        "unit", [(OWN, "float")],
    ),
    "a range and the float that the input stays in": (
        "QS306", "small", "input { range = fixed(-1, 1) }\n" + USUAL + "rule r match InputLayer { output = float }\n",
        "fixed(-1, 1)", [(OWN, "float")],
    ),
    "a granularity and the row that takes a coarser one": (
        "QS307", "slopes", USUAL, "w8", [(LITERT, "PRELU")],
    ),
    "assignments that reach nothing": (
        "QS309", "small", 'rule r match Dense where name == "gone" { weights = w8 }\n',
        "qspec 1", [(OWN, "weights")],
    ),
    "a default and the row without an integer kernel": (
        "QS310", "slopes", "default { weights = w8_tensor, output = a16 }\n", None, [(LITERT, None)],
    ),
    "a quantizer, what the row takes instead, and where it is defined": (
        "QS401", "small", USUAL + "rule r match SeparableConv2D { output = a4 }\n",
        "a4", [(LITERT, None), (LITERT, "DEPTHWISE_CONV_2D"), (OWN, "a4")],
    ),
    "a quantizer, what the accelerator takes, and where it is defined": (
        "QS402", "small", USUAL + "deploy edgetpu\nrule r match SeparableConv2D { output = a16 }\n",
        "a16", [("edgetpu.qspec", None), (OWN, "a16")],
    ),
    "a deployed target and the line that refuses": (
        "QS403", "small", USUAL + "deploy edgetpu\ninput { batch = dynamic }\n",
        "edgetpu", [("edgetpu.qspec", None)],
    ),
    "a deployed target, the line that refuses, and the assignment": (
        "QS403", "small", USUAL + "deploy ethos_u\nrule r match Conv2D { weights = w8(type = int4) }\n",
        "ethos_u", [("ethos_u.qspec", None), (OWN, "w8(type = int4)")],
    ),
    "a deployed target, the version that it refuses, and the assignment that brings it": (
        "QS403", "small", USUAL + "deploy edgetpu\nrule r match Conv2D { weights = w8(type = int4) }\n",
        "edgetpu", [("edgetpu.qspec", "version >= 6"), (OWN, "w8(type = int4)")],
    ),
    "a deployed target and the line that warns": (
        "QS404", "small", USUAL + "target npu on tflite { op MEAN { input = int8, warn when true because \"odd\" } }\n"
        "deploy npu\n",
        "npu", [(OWN, None)],
    ),
    "an option and its definition": (
        "QS406", "small", USUAL + "deploy edgetpu(runtime = 20)\n", "20", [("edgetpu.qspec", "runtime")],
    ),
    "an unknown option and the target": (
        "QS406", "small", USUAL + "deploy edgetpu(runtme = 14)\n", "runtme", [("edgetpu.qspec", "edgetpu")],
    ),
    "a requirement, the target it asks, and the row in the way": (
        "QS407", "small", USUAL + "deploy nnapi(api = 30) as phone\nrequire phone.coverage == 100%\n",
        "phone.coverage == 100%", [(OWN, "phone"), ("nnapi.qspec", None)],
    ),
    "a deployed target and where it is deprecated": (
        "QS408", "small", USUAL + "deploy nnapi as phone\n", "phone", [("nnapi.qspec", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_both_places_are_shown(tmp_path, name):
    code, model, text, place, others = CASES[name]
    item = found(text, model, code, tmp_path)
    related = [shown(span) for span, _ in item.related]

    assert OWN == shown(item.span)[0]
    assert place in (None, shown(item.span)[1])
    assert [file for file, _ in others] == [file for file, _ in related]
    for (_, expected), (_, written) in zip(others, related, strict=True):
        assert expected in (None, written)
    assert len({span for span, _ in item.related} | {item.span}) == len(related) + 1
    assert all(sentence and not sentence.endswith((".", "?")) for _, sentence in item.related)
