"""The report: diagnostics in one run, the placement, and the data of `--format json`."""

from __future__ import annotations

import json
import random

import pytest

from qspec.diagnostics import Source, Span
from qspec.diagnostics.catalogue import NOT_ACCEPTED
from qspec.lint import check
from qspec.lint.lints import LINTS
from qspec.lint.told_once import told_once
from qspec.schema import loads
from tests.plan.layer_models import small_model

GOOD = """\
qspec 1
import "std/int8.qspec"
deploy edgetpu as coral
input { type = int8 }
output { type = int8 }
default { weights = w8, output = a8 }
rule head match Dense { weights = w8_tensor }
"""

# Each with the line that it adds and what is said there: the column of the mistake, and the code.
MISTAKES = {
    "wrong layer name": ('rule a match Conv2D where name == "stam" { weights = w8 }', [(27, "QS301")]),
    "overridden rule": (
        "rule b match SeparableConv2D { weights = w8_tensor }\nrule b2 match SeparableConv2D { weights = w8 }",
        [(6, "QS302")],
    ),
    "four bits": ("rule c match Add { output = a8(type = int4) }", [(29, "QS401")]),
    "unknown attribute": ("rule d match Conv2D where filtrs == 3 { weights = w8 }", [(27, "QS304")]),
    "undefined quantizer": ("rule e match MaxPooling2D { output = a9 }", [(38, "QS101")]),
    "missing import": ('import "nowhere.qspec"', [(8, "QS102")]),
}


def reported(text):
    spec, diagnostics = loads(text, "spec.qspec")
    report = check(spec, small_model(), diagnostics)
    return report, {(*item.span.source.position(item.span.start), item.code) for item in report.diagnostics}


def test_a_good_spec_is_ok():
    report, found = reported(GOOD)

    assert (set(), True) == (found, report.ok)
    assert report.size is not None
    assert f"the file: about {report.size / 1024:.1f} KiB" == report.size_text()
    assert (
        "coral (Coral Edge TPU, runtime 14, compiler 16): 8 of 8 ops accelerated, 100% of the compute ops, 1 partition"
        in report.placement_text()
    )


@pytest.mark.parametrize("seed", range(40))
def test_all_mistakes_are_reported_in_one_run_each_at_its_place(seed):
    chance = random.Random(seed)
    chosen = chance.sample(sorted(MISTAKES), chance.randint(1, len(MISTAKES)))
    text, expected = GOOD, set()
    for name in chosen:
        added, places = MISTAKES[name]
        line = text.count("\n") + 1
        expected |= {(line, column, code) for column, code in places}
        text += added + "\n"
    print(seed, text)

    report, found = reported(text)

    assert expected <= found
    assert {code for _, _, code in expected} == {code for _, _, code in found}
    assert report.ok == all(item.severity.value != "error" for item in report.diagnostics)


def test_both_positions_of_a_quantizer_that_is_not_taken():
    report, _ = reported(GOOD + "rule c match Add { output = a8(type = int4) }\n")
    (item,) = report.diagnostics
    (first, takes), *_, (last, neither) = item.related

    assert ("spec.qspec", "QS401") == (item.span.source.path, item.code)
    assert ("targets/tflite.qspec", "what tflite takes") == (first.source.path, takes)
    assert "targets/edgetpu.qspec" == last.source.path
    assert neither.startswith("what edgetpu takes (`coral` does not take it either")


def test_integer_weights_beside_a_float_output_are_told_with_what_made_it_float():
    text = GOOD.replace("edgetpu as coral", "ethos_u as npu").replace("weights = w8_tensor", "output = float")
    report, _ = reported(text)
    (item,) = (one for one in report.diagnostics if one.op == "FULLY_CONNECTED")

    assert item.message.endswith("its output is float, and `weights` is int8; taken: float32")
    assert "beside a float output, assign `weights = float` too, or `all = float`" == item.help
    texts = {label: span.source.text[span.start : span.end] for span, label in item.related}
    assert "float" == texts["the output of `head` is float because of this"]
    assert {"what tflm takes", "what ethos_u takes"} < {label.split(" (")[0] for label in texts}


def test_a_coverage_that_falls_short_leaves_the_reasons_to_the_assignments():
    wide = "quantizer a16 extends a8 { type = int16, scheme = symmetric }\nrule w match any { output = a16 }\n"
    report, _ = reported(GOOD + wide + "require coral.coverage == 100%\n")
    item = next(one for one in report.diagnostics if one.code == "QS407")

    assert item.help.endswith("; QS401 or QS402 at the assignments say why")
    assert 1 == sum(label.startswith("not accelerated: ") for _, label in item.related)


def test_without_a_model_only_the_spec_is_checked():
    spec, diagnostics = loads(GOOD + "rule r match Dense { weights = w8(range = kl) } # qspec: ignore[QS301]\n")
    report = check(spec, None, diagnostics)

    assert (["QS201"], "", None) == ([item.code for item in report.diagnostics], report.placement_text(), report.plan)


@pytest.mark.parametrize("model", [None, small_model()], ids=["alone", "with a model"])
def test_rows_of_own_targets_are_checked(model):
    added = "target t on tflite { op CONV_2D { inpuqt = int8 } }\n"
    report = check(loads(GOOD + added)[0], model)

    assert "`CONV_2D` has no operand `inpuqt`" in [item.message for item in report.diagnostics]
    assert not report.ok


def test_a_shorter_tuple_of_lints():
    spec, diagnostics = loads(GOOD + "require ops < 2\n")

    assert ["QS407"] == [item.code for item in check(spec, small_model(), diagnostics).diagnostics]
    assert () == check(spec, small_model(), diagnostics, LINTS[:2]).diagnostics


def test_the_data_for_programs():
    report, _ = reported(GOOD.replace("int8 }\noutput", "int8 }\ndeploy nnapi as phone\noutput"))
    data = json.loads(report.to_json())

    assert ["version", "diagnostics", "file", "placement", "plan", "summary"] == list(data)
    assert [("coral", "edgetpu", 100.0), ("phone", "nnapi", 100.0)] == [
        (entry["name"], entry["target"], entry["coverage"]) for entry in data["placement"]
    ]
    kernel = next(row for row in data["plan"] if (row["layer"], row["slot"]) == ("head", 'weights["kernel"]'))
    assert ("w8_tensor", "int8", "rule", "head", "spec.qspec", 8) == tuple(
        kernel[key] for key in ("quantizer", "type", "origin", "rule", "path", "line")
    )


def test_the_placement_groups_what_is_left_by_reason():
    edges = "input { type = int8 }\noutput { type = int8 }\n"
    wide = "quantizer a16 extends a8 { type = int16, scheme = symmetric }\nrule wide match any { output = a16 }\n"
    report, _ = reported(GOOD.replace(edges, "") + wide)

    assert "  on tflite: 2 CONV_2D (stem, block/sep): " in report.placement_text()


def test_a_row_that_several_targets_share_is_shown_once():
    """A host refuses what the target before it leaves to it, for both of its ops: one row, which stands there once."""
    source = Source("a.qspec", "abcdef")
    place, row, other = Span(source, 0, 1), Span(source, 1, 2), Span(source, 2, 3)
    takes = ((row, "what host takes"), (other, "the row of ADD"))
    found = [
        NOT_ACCEPTED.at(place, "", related=takes, layer="x", op="ADD", target=target)
        for target in ("host", "host", "coral")
    ]
    (item,) = told_once(found)

    assert ((row, "what host takes (`host` does not take it either)"), (other, "the row of ADD")) == item.related
