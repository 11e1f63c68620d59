"""How `qspec explain SPEC --model M` lays out what it tells: in columns, or in blocks where a terminal is narrow."""

from __future__ import annotations

import pytest

from qspec.cli.explain_layer import layer
from qspec.cli.explain_rows import table_layers
from qspec.cli.explain_table import table
from qspec.diagnostics.text import display_width
from qspec.graph.layers import LayerGraph
from qspec.plan.explain import Explainer
from tests.plan.layer_models import ModelBuilder, small_model
from tests.plan.plan_helpers import plan_of
from tests.plan.test_states import LSTM

LONG = "a_very/deeply/nested/model/of/layers/with/long/names"
SPEC = """
input { range = fixed(-4, 4) }
rule every_dense_layer_at_the_head_of_the_model match Dense {
  weights = w8(type = int4, range = mse)
  input   = a8_wide
}
rule r match LSTM { weights["kernel"] = w8(granularity = per_tensor, range = mse) }
"""
MODELS = ("small", "memory", "shared")


def model(name: str) -> LayerGraph:
    m = ModelBuilder()
    if name == "small":
        return small_model()
    if name == "memory":
        memory = m("LSTM", m.input(16, 4, name="words"), name=f"{LONG}/memory", **LSTM)
        return m.graph(m("Dense", memory, name="head"))
    shared = m.layer("Dense", f"{LONG}/encoder/dense", units=4)
    other = m.layer("Dense", f"{LONG}/decoder/dense", units=4)
    x = m(shared, m(other, m(shared, m.input(4, name="x"))))
    return m.graph(m(other, x))


def explained(name: str, text: str = SPEC) -> Explainer:
    return Explainer(plan_of(text, model(name)))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("width", [60, 72, 80, 100, 140, 200])
@pytest.mark.parametrize("name", MODELS)
def test_no_line_is_wider_than_the_terminal(name, width):
    explainer = explained(name)
    lines = list(table(explainer, "spec.qspec", "a/model/of/mine.keras", width))
    for path in explainer.layers():
        lines += layer(explainer, path, width)

    assert max(map(display_width, lines)) <= width


@pytest.mark.parametrize("width", [60, 72, 80, 100, 140, 200, None])
@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_cut(name, width):
    """Every layer, slot, decider with its line, and what is below: in their order."""
    explainer = explained(name)
    rest = squeezed("\n".join(table(explainer, "spec.qspec", "m.keras", width)))

    assert "…" not in rest
    for each in table_layers(explainer, "spec.qspec", {}):
        for text in (
            each.name,
            *(text for row in each.rows for text in (row.slot, row.by or row.quantizer, *row.below)),
        ):
            before, found, rest = rest.partition(squeezed(text))
            assert squeezed(text) == found, before


def test_two_layers_are_never_shown_alike():
    lines = list(table(explained("shared"), "s", "m", 60))
    starts = [number for number, line in enumerate(lines) if line.startswith(LONG)]
    names = ["".join(line.strip() for line in lines[start : start + 2]).split("  ")[0] for start in starts]

    assert 4 == len(names) == len(set(names))


def test_a_narrow_terminal_has_a_block_for_each_layer():
    m = ModelBuilder()
    conv = m("Conv2D", m.input(8, 8, 4, name="image"), name="encoder/block/a_convolution")
    text = "input { type = int8, range = fixed(-1, 1) }\nrule r match Conv2D { weights = w8_tensor }"
    explainer = Explainer(plan_of(text, m.graph(m("GlobalAveragePooling2D", conv, name="gap"))))

    expected = """\
spec.qspec for m: 3 layers; positions are of spec.qspec

  a8, fixed(-1, 1)  int8 asymmetric per-tensor, fixed(-1, 1)
  w8_tensor         int8 symmetric per-tensor, narrow
  int32             int32 symmetric per-tensor
  a8                int8 asymmetric per-tensor

image
  output             a8, fixed(-1, 1)  default 6:34
      range by input block 7:30
encoder/block/a_convolution
  weights["kernel"]  w8_tensor         rule r 8:33
      over w8 by default 6:21
  bias               int32             the language
  output             a8                default 6:34
gap
  output             a8                default 6:34

input  image  int8 in the file (input block 7:16)
output gap    float32 in the file, int8 inside (the
    language)

rule r  1 match, decides 1 slot (8:6)
"""
    assert expected == "".join(f"{line}\n" for line in table(explainer, "spec.qspec", "m", 60))


def test_a_row_that_is_too_wide_is_told_line_by_line():
    lines = list(table(explained("memory"), "spec.qspec", "m", 60))
    start = lines.index('  weights["kernel"] (4 alike)')

    assert [
        '  weights["kernel"] (4 alike)',
        "      w8(granularity = per_tensor, range = mse)",
        "      by rule r 13:41",
        "      over w8 by default 6:21",
    ] == lines[start : start + 4]


def test_one_layer_tells_who_decided_the_range_and_what_is_read_in_another_type():
    text = """
    output { type = uint8, range = fixed(-2, 2) }
    rule wide match SeparableConv2D { inner = a16 }
    rule last match GlobalAveragePooling2D { output = a8(range = mse) }
    """
    m = ModelBuilder()
    conv = m("SeparableConv2D", m.input(8, 8, 4, name="image"), name="conv")
    explainer = Explainer(plan_of(text, m.graph(m("GlobalAveragePooling2D", conv, name="gap"))))
    inside, last = ("\n".join(layer(explainer, path)) for path in ("conv", "gap"))

    assert (
        '  inner["depthwise"] = a16: int16 symmetric per-tensor\n'
        "    decided by  rule wide (spec.qspec:9:47)\n"
        "    read        a QUANTIZE makes int8 asymmetric per-tensor of it for `output`\n"
    ) in inside
    assert (
        "  output = a8(range = mse): int8 asymmetric per-tensor, fixed(-2, 2)\n"
        "    decided by  rule last (spec.qspec:10:55)\n"
        "    range by    output block (spec.qspec:8:36)\n"
        "    over        a8 by default (spec.qspec:6:34)\n"
        "    a QUANTIZE makes uint8 of it for the file's output `gap`\n"
    ) in last


def test_a_wide_terminal_and_a_file_have_columns():
    lines = list(table(explained("small"), "spec.qspec", "m"))

    assert ["layer", "slot", "quantizer", "decided", "by"] == lines[2].split()
    assert lines == list(table(explained("small"), "spec.qspec", "m", max(map(display_width, lines))))


@pytest.mark.parametrize("name", MODELS)
def test_what_is_alike_stands_in_one_row(name):
    explainer = explained(name)
    for call, shown in zip(explainer.all(), table_layers(explainer, "spec.qspec", {}), strict=True):
        slots = [slot for slot in call.slots if slot.kind in ("weights", "bias", "inner")]
        rows = [row.slot for row in shown.rows if row.slot.startswith(("weights", "bias", "inner"))]
        together = [int(row.split("(")[1].split()[0]) - 1 for row in rows if row.endswith(" alike)")]

        assert len(set(rows)) == len(rows)
        assert len(slots) == len(rows) + sum(together)


def test_several_slots_go_by_the_word_for_all_of_them():
    (memory,) = [each for each in table_layers(explained("memory"), "spec.qspec", {}) if each.name.endswith("/memory")]

    assert ['weights["kernel"] (4 alike)', 'weights["recurrent_kernel"] (4 alike)', "bias (4 alike)"] == [
        row.slot for row in memory.rows[:3]
    ]
