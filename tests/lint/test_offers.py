"""Offers: what may have been meant, as changes of the text; each takes away what it is offered for."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qspec.diagnostics import Advice, Code, Diagnostic, Edit, Fix, Place, Source, Span, writing
from qspec.lint import check
from qspec.schema import loads
from qspec.schema.names import quoted
from qspec.syntax import parse
from tests.diagnostics.page_models import PAGE_MODELS
from tests.lint.test_fixes import applied
from tests.plan.layer_models import ModelBuilder
from tests.schema.mistakes import with_mistakes

HEAD = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'
TARGET = "target own on tflite {{ op CONV_2D {{ {} }} }}\n"
MODEL = "target own on tflite {{\nmemory.parameters = 1 MiB\nmodel {{ require {} }}\nop ADD {{ input = int8 }}\n}}\n"


def said(text: str, model: str = "") -> list[Diagnostic]:
    spec, found = loads(text, "main.qspec")
    return list(check(spec, PAGE_MODELS[model]() if model else None, found).diagnostics) if spec else list(found)


NAMES = {
    # a text with what is wrong in it between « and », and what may be meant; the whole of it is replaced
    "a quantizer": ("rule r match Dense { weights = «w8_tensr» }", ["w8_tensor"]),
    "a quantizer that others call so": ("rule r match Dense { weights = «fp32» }", ["float"]),
    "a base": ("quantizer q extends «a88» { type = int16 }", ["a8"]),
    "an attribute": ("quantizer q { «rnge» = minmax }", ["range"]),
    "an attribute that others call so": ("quantizer q { «symmetric = true» }", ["scheme = symmetric"]),
    "an attribute in an amendment": ("default { weights = w8(«axis = 0») }", ["granularity = per_channel"]),
    "a type": ("quantizer q { type = «int88» }", ["int8"]),
    "a range": ("quantizer q { range = «percentle»(99) }", ["percentile"]),
    "a range that others call so": ("quantizer q { range = «histogram» }", ["kl", "mse", "percentile(99.9)"]),
    "a range with numbers in quotes": ('quantizer q { range = «"percentile"» }', ["percentile(99.9)"]),
    "a range of two numbers": ("quantizer q { range = «(-1, 1)» }", ["fixed(-1, 1)"]),
    "a share for a percentage": ("quantizer q { range = «percentile(0.99)» }", ["percentile(99)"]),
    "a name with a sign in it": ("rule «my-head» match Dense { weights = w8 }", ["my_head"]),
    "a slot": ("rule r match Dense { «weigths» = w8 }", ["weights"]),
    "a slot that others call so": ("rule r match Dense { «kernel» = w8 }", ["weights", 'weights["kernel"]']),
    "a part": ("rule r match Dense as head { «haed».weights = w8 }", ["head"]),
    "a pattern": ("pattern block = Dense -> ReLU\nrule r match «blok» { weights = w8 }", ["block"]),
    "a class in lower case": ("rule r match «conv2d» { weights = w8 }", ["Conv2D"]),
    "a merge in lower case": ("rule r match «add»(any, any) { output = a8 }", ["Add"]),
    "a part's attribute": ("rule r match Dense as units where «units» == 3 { output = a8 }", ["units.units"]),
    "an attribute of several layers": (
        "rule r match (Dense as d -> ReLU) as p -> any where «p.units» == 3 { output = a8 }",
        ["d.units"],
    ),
    "a part in a condition": ("rule r match Dense as a_b -> ReLU where «a_c».units == 3 { output = a8 }", ["a_b"]),
    "an attribute of no layer": (
        "rule r match Dense as a -> ReLU as b where «units» == 3 { output = a8 }",
        ["a.units"],
    ),
    "a text": ("rule r match Dense where name == «logits» { output = a8 }", ['"logits"']),
    "a target": ("deploy «edgtpu»", ["edgetpu"]),
    "a target that others call so": ("deploy «coral»", ["edgetpu"]),
    "an option": ("deploy edgetpu(«runtme» = 13)", ["runtime"]),
    "what is deployed": ("deploy edgetpu as coral\nrequire «corl».coverage >= 95 %", ["coral"]),
    "what is deployed, left out": (
        "deploy edgetpu as a\ndeploy nnapi as b\nrequire «coverage» >= 95 %",
        ["a.coverage", "b.coverage"],
    ),
    "a quantity": ("require «siz» <= 1 MiB", ["size"]),
    "a quantity of a target": ("deploy edgetpu as a\nrequire «coverge» >= 95 %", ["a.coverage"]),
    "a shipped file": ('import «"std/int16x.qspec"»', ['"std/int16x8.qspec"']),
    "a unit": ("require size <= 80 «Kib»", ["KiB"]),
    "half a unit": ("require size <= «80k»", ["80 KB", "80 KiB"]),
    "a statement": ("«quantiser» q { type = int8 }", ["quantizer"]),
    "a class that a layer is like": ("layer Mine as «Densee»", ["Dense"]),
    "an op": ("target own on tflite { op «CONV2D» { input = int8 } }", ["CONV_2D"]),
    "an op by its layer": ("target own on tflite { op «Dense» { input = int8 } }", ["FULLY_CONNECTED"]),
    "an op that is left out": ("target own extends edgetpu { without «CONV_2DD» }", ["CONV_2D"]),
    "an operand": (TARGET.format("«inputt» = int8"), ["input"]),
    "an operand at a position": (TARGET.format("«inptu»[0] = int8"), ["input"]),
    "an operand in a scale": (TARGET.format("bias = int32 scale(input * «weihgts»)"), ["weights"]),
    "a word of an operand": (TARGET.format("input = int8 «symetric»"), ["symmetric"]),
    "a type with parentheses": (TARGET.format("input = «int8(3)»"), ["int8"]),
    "a property": (TARGET.format('require input.«tpye» == "int8"'), ["type"]),
    "a text of a target": (TARGET.format('require weights.type in ("int8", «"in4"»)'), ['"int4"']),
    "a bare word of a target": (TARGET.format("require padding == «SAME»"), ['"SAME"']),
    "an attribute of an op": (TARGET.format("require «stride_v» <= 2"), ["stride_w"]),
    "a name of the model": (MODEL.format("«static_shap»"), ["static_shapes"]),
    "the memory": (MODEL.format("«memory.total» > 1"), ["memory.parameters"]),
    "an attribute of a target": ('target own on tflite { «titel» = "Mine"\nop ADD { input = int8 } }', ["title"]),
}
OF_MODELS = {
    "an input": ('«input["imag"]» { type = int8 }', ['input["image"]', "input"]),
    "a class": ("rule r match «Conv2DD» { output = a8 }", ["Conv2D"]),
    "a class behind another": ("rule r match Conv2D -> «BatchNormalisation» { output = a8 }", ["BatchNormalization"]),
    "a merge": ("rule r match «Addd»(any, any) { output = a8 }", ["Add"]),
    "a class in a pattern": ("pattern p = «Conv2DD» as c\nrule r match p { output = a8 }", ["Conv2D"]),
    "capitals": ('rule r match Dense where name == «"Head"» { output = a8 }', ['"head"']),
    "a glob behind ==": ('rule r match Dense where name «== "hea*"» { output = a8 }', ['like "hea*"']),
    "an expression behind like": ("rule r match Dense where name «like 'hea.*'» { output = a8 }", ["matches 'hea.*'"]),
    "a glob that is too narrow": (
        'rule r match Dense where name like «"hea"» { output = a8 }',
        ['"hea*"', '"**hea**"'],
    ),
    "an expression that is too narrow": ("rule r match Dense where name matches «'ea'» { output = a8 }", ["'.*ea.*'"]),
    "an attribute of a layer": ("rule r match Conv2D where «filtrs» == 8 { weights = w8 }", ["filters"]),
    "an attribute with a position": ("rule r match Conv2D where «stride»[0] == 1 { weights = w8 }", ["strides"]),
    "an attribute of a part": ("rule r match Conv2D as c where c.«filtrs» == 8 { weights = w8 }", ["filters"]),
    "a slot by name": ('rule r match Conv2D { «weights["kernal"]» = w8 }', ['weights["kernel"]']),
    "a slot of a part": ('rule r match Conv2D as c { «c.weights["kernal"]» = w8 }', ['c.weights["kernel"]']),
    "a layer": ('require sqnr(«"hea"») >= 3 dB', ['"head"']),
}
EVERY = [(*each, "") for each in NAMES.values()] + [(*each, "small") for each in OF_MODELS.values()]


def marked(text: str) -> tuple[str, int, int]:
    """The text without its marks, and where what they mark stands."""
    start = text.index("«")
    end = text.index("»") - 1
    return re.sub("[«»]", "", text), start, end


@pytest.mark.parametrize(("text", "meant", "model"), EVERY, ids=[*NAMES, *OF_MODELS])
def test_what_may_be_meant_is_offered_where_it_is_to_stand(text, meant, model):
    whole, start, end = marked(f"{HEAD}{text}\n")
    found = [item for item in said(whole, model) if item.offers]

    (item,) = found
    assert None is item.fix
    assert [(f"write `{each}`", [(start, end, each)]) for each in meant] == [
        (offer.title, [(edit.span.start, edit.span.end, edit.text) for edit in offer.edits]) for offer in item.offers
    ]
    for offer in item.offers:
        again = said(applied(whole, offer.edits), model)
        assert (item.code, item.message) not in [(one.code, one.message) for one in again]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("«Add»", ['Operation("Add")']),
        ("«Add»(any, any)", ['Operation("Add")']),
        ('«Operation("Dense")»', ["Dense"]),
        ('«Operation("Ad")»', ['Operation("Add")']),
        ("Dense -> «Add»", ['Operation("Add")']),
    ],
)
def test_operations_and_layers_are_offered_for_each_other(pattern, meant):
    """Of a model with a Dense and a sum that is no layer."""
    m = ModelBuilder()
    hidden = m("Dense", m.input(8, name="features"), name="hidden", units=8)
    model = m.graph(m.operation("Add", hidden, hidden))
    whole, start, end = marked(f"{HEAD}rule r match {pattern} {{ output = a8 }}\n")

    def found(text: str) -> list[Diagnostic]:
        spec, diagnostics = loads(text, "main.qspec")
        assert spec is not None
        return [item for item in check(spec, model, diagnostics).diagnostics if item.code == "QS301"]

    (item,) = found(whole)
    assert [(start, end, each) for each in meant] == [
        (edit.span.start, edit.span.end, edit.text) for offer in item.offers for edit in offer.edits
    ]
    for offer in item.offers:
        assert [] == found(applied(whole, offer.edits))


def test_what_has_one_remedy_is_no_offer():
    """Words in quotes are meant as words."""
    for text in ('quantizer q { type = "int8" }', 'quantizer q { range = "minmax" }'):
        (item,) = [one for one in said(HEAD + text + "\n") if one.code == "QS201"]

        assert () == item.offers
        assert item.fix is not None
        assert (HEAD + text).replace('"int8"', "int8").replace('"minmax"', "minmax") + "\n" == applied(
            HEAD + text + "\n", item.fix.edits
        )


def test_the_sentence_and_the_offers_name_the_same():
    """Whatever is offered, the help names it for people."""
    for text, _, model in EVERY:
        for item in said(marked(HEAD + text + "\n")[0], model):
            for offer in item.offers:
                last = offer.edits[0].text.split(".")[-1]  # of several deployed, the help names one
                assert [] == [word for word in re.findall(r"\w+", last) if word not in item.help], item.help


def test_nothing_else_speaks_of_a_similar_name():
    """Every help that offers a name has the offer as data."""
    for path in sorted((Path(__file__).parent / "fixtures").glob("*.qspec")):
        text = path.read_text("utf-8")
        for item in said(text, text.split("\n")[0].removeprefix("# model: ")):
            assert ("similar" in item.help) <= bool(item.offers), (path.stem, item.help)


@pytest.mark.parametrize("seed", range(40))
def test_an_offer_takes_its_mistake_away(seed):
    """In specs with many mistakes: none is left where one was mended, and no other is made."""
    text, _ = with_mistakes(random.Random(seed), 8)
    before = said(text)
    for item in before:
        for offer in item.offers:
            after = said(applied(text, offer.edits))
            shift = sum(len(edit.text) - (edit.span.end - edit.span.start) for edit in offer.edits)
            start = item.span.start if item.span.start <= offer.edits[0].span.start else item.span.start + shift
            assert item.code not in [one.code for one in after if one.span.start == start], (seed, offer.title)
            assert len(after) <= len(before) + 1, (seed, offer.title)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type = uint8, scheme = symmetric", ["type = uint8, scheme = asymmetric", "type = int8, scheme = symmetric"]),
        (
            "granularity = per_channel, scheme = asymmetric",
            ["granularity = per_channel, scheme = symmetric", "granularity = per_tensor, scheme = asymmetric"],
        ),
        ("granularity = per_channel, range = fixed(-1, 1)", ["granularity = per_tensor, range = fixed(-1, 1)"]),
    ],
)
def test_of_attributes_that_contradict_each_other_one_is_offered_another_value(text, expected):
    whole = f"{HEAD}quantizer q {{ {text} }}\n"
    (item,) = [one for one in said(whole) if one.code == "QS204"]

    assert {whole.replace(text, each) for each in expected} == {applied(whole, offer.edits) for offer in item.offers}
    for offer in item.offers:
        assert [] == [one for one in said(applied(whole, offer.edits)) if one.code == "QS204"]


def test_a_value_that_stands_elsewhere_is_not_offered():
    base = "quantizer base { type = uint8, scheme = asymmetric }\n"
    whole = f"{HEAD}{base}quantizer q extends base {{ scheme = symmetric }}\n"
    (item,) = [one for one in said(whole) if one.code == "QS204"]

    assert ["write `scheme = asymmetric`"] == [offer.title for offer in item.offers]


# ---- the value


def test_a_text_is_offered_where_the_diagnostic_stands():
    source = Source("a", "rule w9")
    span = Span(source, 5, 7)
    other = Fix("add it", (Edit(Span(source, 0, 0), "it\n"),))
    found = Code("QS101", "undefined-name").at(span, "m", help=Advice("there is `w8`", ("w8", other)))

    assert "there is `w8`" == found.help
    assert {other, Fix("write `w8`", (Edit(span, "w8"),))} == set(found.offers)
    assert writing(span, "w8") in found.offers


@pytest.mark.parametrize("place", [Place("--option a=1"), Span(Source("a", "rule"), 4, 4)])
def test_where_there_is_no_text_nothing_is_written(place):
    assert () == Code("QS101", "undefined-name").at(place, "m", help=Advice.write("w8")).offers


def test_advice_is_for_people_and_for_programs():
    span = Span(Source("a", "w9"), 0, 2)
    advice = Advice.write("w8", " here").after("well: ").then("!")

    assert ("well: write `w8` here!", ("w8",)) == (str(advice), advice.offers)
    assert (writing(span, "w8"),) == advice.on(span).offers


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\"\\\n\t'"), max_size=12))
def test_a_text_in_quotes_is_read_as_it_was(text):
    file, found = parse(Source("a", f"input[{quoted(text)}] {{ type = int8 }}\n"))

    assert [text] == [statement.key.text for statement in file.statements]
    assert {"QS901"} >= {item.code for item in found}


def test_a_name_with_quotes_in_it_is_offered_with_escapes():
    m = ModelBuilder()
    model = m.graph(m("Dense", m.input(8, name="features"), name='the "head"', units=8))
    text = HEAD + 'require sqnr("head") >= 3 dB\n'.replace("head", "the head")
    spec, found = loads(text, "main.qspec")
    offers = [offer for item in check(spec, model, found).diagnostics for offer in item.offers]

    assert [r'"the \"head\""'] == [edit.text for offer in offers for edit in offer.edits]
