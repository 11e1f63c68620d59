"""What is offered where: only what fits, and everything that is there."""

from __future__ import annotations

import random

import pytest

from qspec._resources import resource
from qspec.schema import shipped_targets
from qspec.schema.slots import SLOTS
from qspec.server.completion import complete
from tests.server.views import marked, small_file, view_of, view_with_model

HEAD = """qspec 1
import "std/int8.qspec"
quantizer wide extends a8 { range = mse }
pattern block = Conv2D as conv -> ReLU? as act
target mine on tflite { option speed = 2 in 1..3, option kind = "a" in ("a", "b"), op CONV_2D { input = int8 } }
deploy edgetpu as coral
"""
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
        ("quantizer a { range = percentile(‸", {"not"}),
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
        ("require size <= 1.5 ‸", {"MiB", "KB", "%", "because"}),
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
