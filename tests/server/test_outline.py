"""The outline of a document, and what can be folded."""

from __future__ import annotations

from qspec._resources import resource
from qspec.server.outline import folds, outline
from tests.server.views import view_of

TEXT = """qspec 1
# why
# we do so
import "std/int8.qspec"
deploy edgetpu as coral
quantizer wide extends a8 {
  range = mse
}
pattern block = Conv2D as conv -> ReLU?
input { type = int8 }
output["a"] { type = int8 }
default { weights = w8 }
rule stem match block {
  conv.weights = w8
  output = wide
}
calibrate { samples = 8 }
require size <= 1 MiB
target t on tflite {
  option speed = 1 in 1..2
  op CONV_2D | ADD {
    input = int8
  }
}
"""


def test_every_statement_is_there_with_its_place():
    found = outline(view_of(TEXT))

    assert [
        ("import", "std/int8.qspec", ""),
        ("deploy", "coral", "edgetpu"),
        ("quantizer", "wide", "extends a8"),
        ("pattern", "block", "Conv2D as conv -> ReLU?"),
        ("boundary", "input", ""),
        ("boundary", 'output["a"]', ""),
        ("default", "default", ""),
        ("rule", "stem", "block"),
        ("settings", "calibrate", ""),
        ("require", "size <= 1 MiB", ""),
        ("target", "t", "on tflite"),
    ] == [(one.kind, one.name, one.detail) for one in found]
    rule = found[7]
    assert [("conv.weights", "w8"), ("output", "wide")] == [(one.name, one.detail) for one in rule.children]
    assert [("option", "speed"), ("op", "CONV_2D | ADD")] == [(one.kind, one.name) for one in found[-1].children]


def test_every_selection_lies_in_its_span():
    for path in sorted(resource("specs").rglob("*.qspec")):
        pending = outline(view_of(path.read_text("utf-8")))
        assert pending
        while pending:
            one = pending.pop()
            assert one.span.start <= one.selection.start <= one.selection.end <= one.span.end
            pending += one.children


def test_a_statement_with_a_mistake_stays_in_the_outline():
    broken = TEXT.replace("rule stem match block", "rule stem macht block")

    found = outline(view_of(broken, before=TEXT))

    assert [one.name for one in outline(view_of(TEXT))] == [one.name for one in found]
    assert "block" == next(one.detail for one in found if one.name == "stem")


def test_folds():
    found = {(fold.first, fold.last, fold.comment) for fold in folds(view_of(TEXT))}

    assert {(5, 7, False), (12, 15, False), (18, 23, False), (20, 22, False), (1, 2, True)} == found
