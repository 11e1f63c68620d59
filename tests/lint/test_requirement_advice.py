"""What is advised where a `require` does not hold."""

from __future__ import annotations

from qspec.graph.tflite_file import parse_tflite
from qspec.lint import check
from qspec.lint.files.check import check_file
from qspec.schema import loads
from tests.graph.litert_files import packed, perceptron
from tests.plan.layer_models import small_model

GOOD = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'
INSIDE = "they are 2 CONV_2D, MAX_POOL_2D, DEPTHWISE_CONV_2D, ADD and 3 kinds more"


def test_of_too_many_ops_the_kinds_are_told_and_where_types_change():
    edges = "they are 2 CONV_2D, QUANTIZE, MAX_POOL_2D, DEPTHWISE_CONV_2D and 5 kinds more; 2 only change types, at "

    assert f"{edges}`image`, `head`: one type on both sides saves that" == advised("require ops < 4\n")
    assert INSIDE == advised("input { type = int8 }\noutput { type = int8 }\nrequire ops < 4\n")
    one = advised("input { type = int8 }\nrequire ops < 4\n")
    assert one.endswith("; 1 only changes a type, at `head`: one type on both sides saves that")


def advised(text: str) -> str:
    spec, diagnostics = loads(GOOD + text)
    report = check(spec, small_model(), diagnostics)
    return next(item.help for item in report.diagnostics if item.code == "QS407")


def test_of_the_ops_of_a_file_as_well():
    spec, _ = loads("qspec 1\nrequire ops <= 1\n")
    report = check_file(parse_tflite(packed(perceptron()), "m.tflite"), spec)

    (told,) = (item.help for item in report.diagnostics if item.code == "QS407")
    assert "they are FULLY_CONNECTED, SOFTMAX" == told
