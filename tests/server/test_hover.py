"""What is known of a word: its values, its place, what it does in a model, a code's page."""

from __future__ import annotations

import pytest

from qspec.diagnostics.catalogue import UNMATCHED_RULE
from qspec.diagnostics.page import page
from qspec.schema.slots import SLOTS
from qspec.schema.vocabulary import BLOCKS
from qspec.server.hover import hover
from qspec.server.manual import introduction, said_of
from qspec.syntax.lexer import STATEMENTS
from tests.plan.layer_models import ModelBuilder
from tests.server.views import marked, small_file, view_of, view_with_layers, view_with_model

HEAD = 'qspec 1\nimport "std/int8.qspec"\nquantizer wide extends a8 { range = percentile(99.9) }\n'


def shown(text: str, model=None, before: str | None = None) -> str:
    """The text above what the cursor is on; the word itself, then the text."""
    text, offset = marked(HEAD + text)
    view = view_of(text, before) if model is None else view_with_model(text, model)
    found = hover(view, offset)
    return "" if found is None else f"{text[found.start : found.end]}\n{found.text}"


@pytest.mark.parametrize(
    ("text", "word", "sentences"),
    [
        ("default { output = wi‸de }", "wide", ["| type | int8 |", "| range | percentile(99.9) |", "| codes | -128 "]),
        ("default { weights = w8‸ }", "w8", ["of `std/int8.qspec`", "per_channel", "| codes | -127 to 127 |"]),
        ("pattern p = Conv2D as c\nrule r match ‸p { c.weights = w8 }", "p", ["pattern p = Conv2D as c"]),
        ("rule r match (Conv2D | Dense) as c -> ReLU { ‸c.weights = w8 }", "c", ["`Conv2D`, `Dense`"]),
        ("deploy edge‸tpu", "edgetpu", ["Coral Edge TPU", "`tflite` runs what", "8 MiB", "goes from 10 to 14"]),
        ("deploy nna‸pi(api = 30)", "nnapi", ["deprecated"]),
        ("deploy edgetpu(run‸time = 13)", "runtime", ["default 14"]),
        ("deploy edgetpu(runtime = 13) as coral\nrequire cor‸al.coverage == 100%", "coral", ["runtime = 13"]),
        ("rule r match Conv‸2D { weights = w8 }", "Conv2D", ["`filters`", "`kernel_size`"]),
        ("layer My‸Conv as Conv2D", "MyConv", ["layer class `MyConv`"]),
        ("target t extends edgetpu { without SOFT‸MAX }", "SOFTMAX", ["op SOFTMAX {", "targets/edgetpu.qspec:"]),
        ("target t on tflite { op CONV‸_2D { input = int8 } }", "CONV_2D", ["op CONV_2D { input = int8 }"]),
        ("default { wei‸ghts = w8 }", "weights", ["every weight variable but the bias"]),
        ("rule r match Dense where ind‸ex == 0 { weights = w8 }", "index", ["the position among what"]),
        ("rule r match Dense where na‸me == 'a' { weights = w8 }", "name", ["the layer's own name"]),
        ("rule r match Dense where pa‸th == 'a' { weights = w8 }", "path", ["the names of nested models before it"]),
        ("train { batch‸_norm = fold }", "batch_norm", ["fold, track, keep"]),
        ("quantizer q { range = m‸se }", "mse", ["the smallest squared error"]),
        ("require siz‸e <= 1 MiB", "size", ["of the file"]),
        ("def‸ault { weights = w8 }", "default", ["The general case"]),
    ],
)  # fmt: skip
def test_what_is_shown(text, word, sentences):
    found = shown(text)

    assert word == found.partition("\n")[0]
    assert [] == [sentence for sentence in sentences if sentence not in found]


@pytest.mark.parametrize("text", ["# qspec: ignore[QS3‸01]", "rule r match any { all = float }  # see QS‸301"])
def test_a_code_in_a_comment_shows_its_page(text):
    assert f"QS301\n{page(UNMATCHED_RULE).text}" == shown(text)


@pytest.mark.parametrize("text", ["‸", "# just ‸words", 'require size <= 1 MiB because "QS‸301"', "{{{‸", "x = 1‸"])
def test_nothing_where_nothing_is_known(text):
    assert "" == shown(text)


def test_a_quantizer_that_cannot_be_read_shows_what_it_was():
    good = HEAD + "quantizer odd { type = int4 }\ndefault { weights = odd }"

    found = shown("quantizer odd { type int4 }\ndefault { weights = od‸d }", before=good)

    assert "| type | int4 |" in found


def test_beside_a_model(tmp_path):
    model = small_file(tmp_path)
    rules = "default { weights = w8, output = a8 }\nrule first match Conv2D { output = wide }\n"

    rule = shown(rules.replace("first", "fi‸rst"), model)
    assert "matches 1 time in the model" in rule
    assert "`conv`" in rule
    assert "1 in the model: `logits`" in shown(rules + "rule b match Den‸se { weights = w8 }", model)
    assert '2 slots of the model have it: `conv: weights["kernel"]`, `logits: weights["kernel"]`' in shown(
        rules.replace("w8", "w‸8", 1), model
    )
    layer = shown(rules + 'rule b match any where path == "con‸v" { weights = wide }', model)
    assert "layer `conv`, `Conv2D`" in layer
    kernel = next(line for line in layer.splitlines() if line.startswith('| weights["kernel"] | `wide: '))
    assert "rule b (edge.qspec:" in kernel
    assert "instead of `w8` by default (edge.qspec:" in kernel
    assert "its scale is that of the input times that of the weights" in layer
    edge = 'input { type = int8, range = fixed(0, 1) }\nrule b match any where path == "ima‸ge" { output = a8 }'
    assert "rule b (edge.qspec:" in (image := shown(rules + edge, model))
    assert "; range by input block (edge.qspec:" in image
    assert "matches no layer" in shown("rule no‸ne match Dense where units == 99 { weights = w8 }", model)
    assert "its condition leaves 1 out" in shown("rule no‸ne match Dense where units == 99 { weights = w8 }", model)
    assert 'decides 1 slot of the model: `conv: weights["kernel"]`' in shown(
        rules + "rule b match Conv2D { wei‸ghts = wide }", model
    )
    assert "decides no slots" in shown("rule b match Dense { wei‸ghts = w8 }\nrule c match any { all = float }", model)
    assert "ops of the model run on it" in shown("default { all = float }\ndeploy edgetpu as co‸ral", model)


def test_a_word_says_nothing_of_another():
    assert "nested" not in shown("rule r match Dense where na‸me == 'a' { weights = w8 }")


def test_a_quantizer_and_what_assigns_it_count_alike():
    """A layer that is called twice has its slots twice, as in `qspec explain`."""
    m = ModelBuilder()
    left, right = m.input(4, name="left"), m.input(4, name="right")
    twin = m.layer("Dense", name="twin")
    layers = m.graph(m("Dense", m("Add", m(twin, left), m(twin, right)), name="logits"))
    text = HEAD + "default { weights = w8, output = a8 }\nrule r match Add { input[1] = wide }\n"

    def about(word: str) -> str:
        found = hover(view_with_layers(text, layers), text.index(word))
        return "" if found is None else found.text.rpartition("\n\n")[2]

    names = ", ".join(f'`{layer}: weights["kernel"]`' for layer in ("twin (call 1)", "twin (call 2)", "logits"))
    assert f"3 slots of the model have it: {names}" == about("w8,")
    assert f"decides 3 slots of the model: {names}" == about("weights =")
    (entering,) = [call for call in layers.calls if call.layer.class_name == "Add"]
    assert f"1 slot of the model has it: `{entering.layer.path}: input[1]`" == about("wide }")
    assert f"decides 1 slot of the model: `{entering.layer.path}: input[1]`" == about("input[1]")


def test_the_manual_knows_every_word_that_is_offered():
    """Where a table of the manual is rewritten, hovering must not fall silent."""
    assert [] == [slot for slot in SLOTS if not said_of(slot, "Slots")]
    assert [] == [word for word in STATEMENTS if not introduction(word)]
    assert [] == [name for name in BLOCKS["quantizer"] if not said_of(name, "quantizer")]
    assert [] == [name for name in BLOCKS["target"] if not said_of(name, "target")]
