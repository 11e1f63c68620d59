"""What is offered where: only what fits, and everything that is there."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from qspec._resources import resource
from qspec.graph.layers import LayerGraph
from qspec.schema import shipped_targets
from qspec.schema.slots import SLOTS
from qspec.schema.vocabulary import END_TYPES, VALUES
from qspec.server.completion import complete
from tests.plan.layer_models import ModelBuilder, small_model
from tests.server.views import marked, small_file, view_of, view_with_layers, view_with_model

HEAD = """qspec 1
import "std/int8.qspec"
quantizer wide extends a8 { range = mse }
pattern block = Conv2D as conv -> ReLU? as act
target mine on tflite { option speed = 2 in 1..3, option kind = "a" in ("a", "b"), op CONV_2D { input = int8 } }
deploy edgetpu as coral
"""
BYTES = {"B", "KB", "KiB", "MB", "MiB", "GB", "GiB"}
TYPES = VALUES["type"]
STANDARD = {"w8", "w8_tensor", "a8", "wide"}


def labels(text: str, before: str | None = None) -> set[str]:
    text, offset = marked(HEAD + text)
    return {one.label for one in complete(view_of(text, before), offset).candidates}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default { weights = ‸", {"float", *STANDARD}),
        ("default { all = ‸", {"float"}),
        ("rule a match Dense { output = ‸", {"float", *STANDARD}),
        ("quantizer a extends ‸", STANDARD),
        ("default { ‸", set(SLOTS)),
        ("default { weights = w8, ‸", set(SLOTS) - {"weights"}),
        ("rule a match block { ‸", {*SLOTS, "conv", "act"}),
        ("rule a match block { conv.‸", set(SLOTS)),
        ("rule a match block as b { b.‸", {*SLOTS, "conv", "act"}),
        ("rule a match block as b { b.conv.‸", set(SLOTS)),
        ("quantizer a { type = int8, ‸", {"scheme", "granularity", "range", "narrow", "rounding"}),
        ("quantizer a { scheme = ‸", {"symmetric", "asymmetric"}),
        ("quantizer a { narrow = ‸", {"true", "false"}),
        ("quantizer a { granularity = ‸", {"per_tensor", "per_channel", "per_block"}),
        ("train { batch_norm = ‸", {"fold", "track", "keep"}),
        ("train { ‸", {"batch_norm", "freeze_ranges_after"}),
        ("calibrate { samples = 1\n  ‸", {"batch", "seed"}),
        ("input { ‸", {"type", "range", "batch"}),
        ("deploy ‸", {"mine", *shipped_targets()}),
        ("require coral.‸", {"coverage", "parameters", "partitions"}),
        ("require coral.coverage.‸", {"ops", "macs", "parameters"}),
        ("require ‸", {"not", "coral", "size", "ops", "parity", "sqnr", "accuracy_drop"}),
        ("rule a match block where conv.input.‸", {"shape", "rank"}),
        ("rule a match block where ‸", {"not", "conv", "act", "none", "mod", "index"}),
        ("target t on tflite { partition = ‸", {"prefix", "any"}),
        ("target t on tflite { memory.‸", {"parameters", "excess"}),
        ('deploy mine(kind = "‸', {"a", "b"}),
        ("rule ‸", set()),
        ("quantizer a { range = percentile(‸", {"99.9"}),
        ("quantizer a { range = fixed(‸", {"-1, 1"}),
        ("quantizer a { range = fixed(0, ‸", {"1"}),
        ("quantizer a { range = fixed(0, 1, ‸", set()),
        ("quantizer a { range = fixed(1 ‸", set()),
        ("rule a match Dense { weights = w8(range = ema(‸", {"0.99"}),
        ("rule a match Dense { weights = w8(‸", {"type", "scheme", "granularity", "range", "narrow", "rounding"}),
        ("rule a match Dense { weights = w8(narrow = ‸", {"true", "false"}),
        ("deploy edgetpu(‸", {"runtime", "compiler"}),
        ("deploy mine(speed = ‸", {"1", "2", "3"}),
        ("deploy nnapi(api = ‸", {"27", "28", "29", "30", "31", "32", "33", "34"}),
        ("target t on tflite { option far = 5 in 0..99 }\ndeploy t(far = ‸", {"5", "0", "99"}),
        ("target t on tflite { option part = 0.5 in 0..1 }\ndeploy t(part = ‸", {"0.5", "0", "1"}),
        ("target t on tflite { option free = 7 }\ndeploy t(free = ‸", {"7"}),
        ('deploy mine(speed = "‸', set()),
        ("input { type = ‸", {"float32", "float16", "int8", "uint8", "int16"}),
        ('output["a"] { type = ‸', {"float32", "float16", "int8", "uint8", "int16"}),
        ("require size <= 1.5 ‸", {"and", "or", "because", *BYTES}),
        ("require 2 * size <= 1.5 ‸", {"and", "or", "because", *BYTES}),
        ("require coral.parameters <= 3 ‸", {"and", "or", "because", *BYTES}),
        ("require size <= 1 MiB and coral.coverage.macs == 100 ‸", {"and", "or", "because", "%"}),
        ('require sqnr("a/b") > 3 ‸', {"and", "or", "because", "dB"}),
        ("require parity <= 1 ‸", {"and", "or", "because", "lsb"}),
        ("require ops <= 3 ‸", {"and", "or", "because"}),
        ("rule a match Dense where units == 3 ‸", {"and", "or"}),
        ("target t on tflite { memory.parameters = 8 ‸", BYTES),
    ],
)
def test_exactly_what_fits(text, expected):
    assert expected == labels(text)


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("default { weights = w8(‸", {"type", "scheme", "granularity"}),
        ("default { weights = w8(type = ‸", {"int4", "uint8", "float16"}),
        ("deploy mine(‸", {"speed", "kind"}),
        ("deploy mine(speed = 2, ‸", {"kind"}),
        ("deploy mine(kind = ‸", {'"a"', '"b"'}),
        ("rule a match ‸", {"any", "block", "Conv2D", "MultiHeadAttention", "Operation"}),
        ("rule a match Conv2D as x -> Add(‸", {"x", "block", "Conv2D"}),
        ("pattern p = ‸", {"block", "Dense"}),
        ("rule a match Conv2D where ‸", {"filters", "strides", "index", "path", "input", "mod"}),
        ("rule a match block where conv.‸", {"filters", "kernel_size"}),
        ("rule a match block as b where b.conv.‸", {"filters", "kernel_size"}),
        ("layer Mine as Conv2D\nrule a match Mine where ‸", {"filters", "strides"}),
        ("rule a match Dense where mod(‸", {"units"}),
        ("rule a match Dense where (‸", {"units", "not"}),
        ("layer Mine as ‸", {"Conv2D", "Dense"}),
        ("target t extends ‸", {"mine", "edgetpu"}),
        ("target t on tflite { ‸", {"op", "option", "title", "memory.parameters", "model"}),
        ("target t on tflite { op ‸", {"CONV_2D", "SOFTMAX", "any"}),
        ("target t on tflite { op CONV_2D { ‸", {"form", "require", "constant", "weights", "bias", "output"}),
        ("target t on tflite { op CONV_2D { input = ‸", {"int8", "symmetric", "per_channel"}),
        ("target t on tflite { op CONV_2D { require ‸", {"stride_w", "padding", "rank", "weights"}),
        ("target t on tflite { option fast = 1 in 0..1\n op CONV_2D when ‸", {"fast"}),
        ('import "‸', {"std/int8.qspec"}),
        ('rule a match Operation("‸', {"Add", "Multiply"}),
        ('rule a match Operation("Add")(‸', {"any", "block", "Conv2D", "MultiHeadAttention", "Operation"}),
        ('rule a match any as start -> Operation("Add")(‸', {"any", "block", "Conv2D", "start"}),
        ("# qspec: ignore[QS301, ‸", {"QS302", "QS902"}),
    ],
)
def test_among_others(text, some):
    assert some <= labels(text)


@pytest.mark.parametrize(
    ("text", "none"),
    [
        ("deploy mine(speed = 2, ‸", {"speed"}),
        ("rule a match block where conv.‸", {"units", "conv"}),
        ("# qspec: ignore[‸", {"QS101"}),
        ("# a comment ‸", {"rule", "w8"}),
        ("qspec 1\n‸", {"qspec"}),
        ("quantizer self extends ‸", {"self"}),
        ("pattern self = Add(‸", {"self"}),
        ("pattern self = Dense -> ‸\npattern user = self -> Conv2D", {"self", "user"}),
        ("rule a match Dense where mod(‸", {"not"}),
        ("rule a match Dense where units in (‸", {"not"}),
        ("rule a match block as b where b.‸", {"filters", "units"}),
    ],
)
def test_what_is_not_offered(text, none):
    assert set() == none & labels(text)


@pytest.mark.parametrize(
    ("text", "start"),
    [("default { weights = w8_te‸", "w8_te"), ('import "std/in‸', "std/in"), ("# qspec: ignore[QS301, QS3‸", "QS3")],
)
def test_what_is_replaced(text, start):
    text, offset = marked(HEAD + text)

    found = complete(view_of(text), offset)

    assert (text.rindex(start), offset) == (found.start, found.end)


def test_names_of_statements_with_a_mistake_stay():
    before = HEAD + "quantizer odd { type = int4 }\n"

    found = labels("quantizer odd { type int4 }\ndefault { weights = ‸", before)

    assert "odd" in found


def test_the_classes_of_a_model_come_first_with_their_number(tmp_path):
    text, offset = marked("qspec 1\nrule a match ‸")

    found = complete(view_with_model(text, small_file(tmp_path)), offset).candidates

    classes = [(one.label, one.detail) for one in found if one.kind == "class"][1:6]
    assert [
        (name, "1 in the model") for name in ("BatchNormalization", "Conv2D", "Dense", "Flatten", "ReLU")
    ] == classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('rule a match any where path like "‸', ["image", "conv", "bn", "relu", "flatten", "logits"]),
        ('require sqnr("‸', ["image", "conv", "bn", "relu", "flatten", "logits"]),
        ('rule a match Conv2D where padding == "‸', ["valid"]),
        (
            'rule a match any where class == "‸',
            ["InputLayer", "Conv2D", "BatchNormalization", "ReLU", "Flatten", "Dense"],
        ),
        ('input["‸', ["image"]),
        ('output["‸', ["logits"]),
        ('default { weights["‸', ["kernel"]),
    ],
)
def test_texts_of_the_model(tmp_path, text, expected):
    text, offset = marked(f"qspec 1\n{text}")

    found = complete(view_with_model(text, small_file(tmp_path)), offset).candidates

    assert expected == [one.label for one in found]


def test_the_default_of_an_option_comes_first():
    text, offset = marked(HEAD + "deploy nnapi(api = ‸")

    first, *others = complete(view_of(text), offset).candidates

    assert ("30", "default") == (first.label, first.detail)
    assert {""} == {one.detail for one in others}


def sequences() -> LayerGraph:
    """An attention, an LSTM and a GRU, then a Dense of words and a Dense of numbers."""
    m = ModelBuilder()
    steps = m.input(3, 8, name="steps")
    words = m.input(5, name="words", dtype="int32")
    heads = {"num_heads": 2, "key_dim": 4, "value_dim": 4, "dropout": 0.0, "use_bias": True, "output_shape": None}
    attended = m("MultiHeadAttention", steps, steps, name="attend", **heads, attention_axes=None)
    m.calls[-1] = replace(m.calls[-1], arguments=(steps, steps))
    memory = m("LSTM", attended, name="memory", **RECURRENT, return_sequences=True)
    last = m("GRU", memory, name="last", **RECURRENT, return_sequences=False, reset_after=True)
    gated = m("Dense", last, name="gated", activation="gelu")
    embedded = m("Embedding", words, name="words_in", input_dim=9, output_dim=4)
    return m.graph(m("Dense", gated, name="logits"), embedded)


RECURRENT = {
    "units": 4, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "return_state": False,
    "go_backwards": False, "stateful": False, "unroll": False, "dropout": 0.0, "recurrent_dropout": 0.0,
}  # fmt: skip
GATES = ["input", "forget", "candidate", "output"]


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ('match Dense { inner["‸', {"pre_activation"}, {"scores", "step_0", "rows"}),
        ('match LSTM | Dense { inner["‸', {"pre_activation"}, {"scores", "step_0"}),
        ('match GRU { inner["‸', {"step_0", "step_0/gate_r"}, {"scores", "pre_activation"}),
        ('match MultiHeadAttention { inner["‸', {"scores", "probabilities"}, {"step_0", "pre_activation"}),
        ('match any { inner["‸', {"scores", "step_0", "pre_activation"}, set()),
        ('match (any | Dense) { inner["‸', {"scores", "step_0", "pre_activation"}, set()),
        ('match GRU { weights["‸', {"kernel", "recurrent_kernel"}, {"kernel.forget", "query_kernel"}),
        ('match LSTM { weights["‸', {"kernel", *(f"kernel.{gate}" for gate in GATES)}, {"query_kernel"}),
        ('match LSTM as l -> GRU { l.state["‸', {"hidden", "cell"}, set()),
        ('match LSTM as l -> GRU as g { g.weights["‸', {"kernel"}, {"kernel.forget"}),
        ('match gates as p { p.g.weights["‸', {"kernel"}, {"kernel.forget"}),
        ('match MultiHeadAttention { input["‸', {"query", "key", "value"}, set()),
        ('match Dense { input["‸', set(), {"query", "key", "value"}),
        ('match Dense where name == "‸', {"gated", "logits"}, {"attend", "last"}),
        ('match LSTM as l -> GRU as g where g.path like "‸', {"last"}, {"memory", "logits"}),
        ('match any where name == "‸', {"gated", "memory"}, set()),
    ],
)
def test_tensors_and_texts_are_those_of_the_pattern(text, some, none):
    text, offset = marked(f"qspec 1\npattern gates = LSTM as l -> GRU as g\nrule a {text}")

    found = {one.label for one in complete(view_with_layers(text, sequences()), offset).candidates}

    assert some <= found
    assert set() == none & found


def test_an_argument_of_a_known_layer_is_offered_without_a_model():
    assert {"query", "key", "value"} == labels('rule a match MultiHeadAttention { input["‸')


@pytest.mark.parametrize("block", ['input["image"]', "output"])
def test_every_type_that_is_offered_for_an_end_is_accepted_and_no_other_is(block):
    general = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'
    text, offset = marked(f"{general}{block} {{ type = ‸")
    offered = {one.label for one in complete(view_of(text), offset).candidates}

    refused = set()
    for type_ in TYPES:
        report = view_with_layers(f"{general}{block} {{ type = {type_} }}\n", small_model()).report
        refused |= {type_ for item in report.diagnostics if item.code in ("QS201", "QS401")}

    assert offered == set(TYPES) - refused


def test_an_input_of_integers_keeps_its_type():
    for key, expected in (('["words"]', ["int32"]), ("", [*END_TYPES, "int32"]), ('["steps"]', [*END_TYPES])):
        text, offset = marked(f"qspec 1\ninput{key} {{ type = ‸ }}")

        found = complete(view_with_layers(text, sequences()), offset).candidates

        assert expected == [one.label for one in found]


def test_the_values_of_a_model_stand_beside_an_attribute(tmp_path):
    text, offset = marked("qspec 1\nrule a match Conv2D where ‸")

    found = complete(view_with_model(text, small_file(tmp_path)), offset).candidates

    assert {"filters": "4", "kernel_size": "(3, 3)"}.items() <= {one.label: one.detail for one in found}.items()


def test_completing_never_fails():
    texts = [path.read_text("utf-8") for path in sorted(resource("specs").rglob("*.qspec"))]
    chance = random.Random(3)
    for _ in range(150):
        text = chance.choice(texts)
        start = chance.randrange(max(1, len(text) - 600))
        piece = text[start : start + 600]
        cut = chance.randrange(len(piece) + 1)
        piece = piece[:cut] + chance.choice(["", "{", "(", '"', "= ", ". ", "where ", "-> "])

        complete(view_of(piece), len(piece))
