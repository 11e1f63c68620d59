"""What a spec names and where it speaks of it, held against what resolving the spec finds."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from qspec._resources import resource
from qspec.diagnostics import Source, Span
from qspec.schema import loads
from qspec.schema.symbols import Definition, Reference, Symbols, symbols
from qspec.syntax import parse

ROOT = Path(__file__).parents[2]
FIXTURES = sorted(
    path for folder in ("fixtures", "lint/fixtures") for path in (ROOT / "tests" / folder).rglob("*.qspec")
)
SHIPPED = sorted(Path(str(resource("specs"))).rglob("*.qspec"))

SPEC = """qspec 1
import "std/int8.qspec"
import "own.qspec"
deploy npu(release = 2) as fast
deploy edgetpu(runtime = 13)
layer Mine as Conv2D
quantizer w4 extends w8 { type = int4 }
pattern block = Conv2D as conv -> ReLU? as act
pattern residual = any as start -> block as first -> block -> Add(start) as sum
default { weights = w8(narrow = false), output = a8 }
rule sums match residual where first.conv.filters > 3 and not act and sum.name == "sum" {
  first.conv.weights = w4
  conv.weights = own
  sum.output = float
}
rule lone match Mine | (Dense as Dense) where units > 3 { weights = w4(range = mse) }
require fast.coverage == 100% and edgetpu.coverage.macs > 50%
target npu extends old { op RELU when release > 1 { input = int8, output = int8, require release < 9 } }
target old on tflite { option release = 1 in 1..9 }
"""
OWN = "qspec 1\nquantizer own { type = int8 }\n"


def of_text(text: str, texts: dict[str, str] | None = None) -> Symbols:
    file, _ = parse(Source("main.qspec", text))
    return symbols(file, {"own.qspec": OWN} if texts is None else texts)


def shown(span: Span) -> str:
    """`file:line word`"""
    text = span.source.text[span.start : span.end]
    return f"{Path(span.source.path).stem}:{span.source.position(span.start)[0]} {text}"


def test_references_lead_to_their_definitions():
    found = of_text(SPEC)
    led = {
        (shown(reference.span), reference.kind): shown(definition.span)
        for reference in found.references
        if reference.span.source.path == "main.qspec" and (definition := found.definition_of(reference)) is not None
    }

    assert {
        ('main:2 "std/int8.qspec"', "file"): "int8:1 ",
        ('main:3 "own.qspec"', "file"): "own:1 ",
        ("main:4 npu", "target"): "main:18 npu",
        ("main:4 release", "option"): "main:19 release",
        ("main:5 edgetpu", "target"): f"edgetpu:{line_of('edgetpu', 'target edgetpu')} edgetpu",
        ("main:5 runtime", "option"): f"edgetpu:{line_of('edgetpu', 'option runtime')} runtime",
        ("main:7 w8", "quantizer"): f"int8:{line_of('int8', 'quantizer w8 ', 'std')} w8",
        ("main:9 block", "pattern"): "main:8 block",
        ("main:9 start", "capture"): "main:9 start",
        ("main:10 w8", "quantizer"): f"int8:{line_of('int8', 'quantizer w8 ', 'std')} w8",
        ("main:10 a8", "quantizer"): f"int8:{line_of('int8', 'quantizer a8 ', 'std')} a8",
        ("main:11 residual", "pattern"): "main:9 residual",
        ("main:11 first", "capture"): "main:9 first",
        ("main:11 conv", "capture"): "main:8 conv",
        ("main:11 act", "capture"): "main:8 act",
        ("main:11 sum", "capture"): "main:9 sum",
        ("main:12 first", "capture"): "main:9 first",
        ("main:12 conv", "capture"): "main:8 conv",
        ("main:12 w4", "quantizer"): "main:7 w4",
        ("main:13 conv", "capture"): "main:8 conv",
        ("main:13 own", "quantizer"): "own:2 own",
        ("main:14 sum", "capture"): "main:9 sum",
        ("main:16 Mine", "layer class"): "main:6 Mine",
        ("main:16 w4", "quantizer"): "main:7 w4",
        ("main:17 fast", "deploy"): "main:4 fast",
        ("main:17 edgetpu", "deploy"): "main:5 edgetpu",
        ("main:18 old", "target"): "main:19 old",
        ("main:18 release", "option"): "main:19 release",
        ("main:19 tflite", "target"): f"tflite:{line_of('tflite', 'target tflite')} tflite",
    } == led


def line_of(name: str, text: str, folder: str = "targets") -> int:
    lines = (resource("specs") / folder / f"{name}.qspec").read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(text))


def test_what_is_without_definition_is_a_layer_class_of_keras():
    found = of_text(SPEC)

    assert {"Conv2D", "ReLU", "Add", "Dense"} == {
        reference.name for reference in found.references if found.definition_of(reference) is None
    }


def test_definitions_have_their_kind_and_scope():
    found = of_text(SPEC)
    main = [definition for definition in found.definitions if definition.span.source.path == "main.qspec"]
    scopes = {shown(one.span): shown(one.scope).split("\n")[0] for one in main if one.scope is not None}

    assert ["fast", "edgetpu", "Mine", "w4", "block", "conv", "act", "residual", "start", "first", "sum"] == [
        one.name for one in main
    ][:11]
    assert "main:8 pattern block = Conv2D as conv -> ReLU? as act" == scopes["main:8 conv"]
    assert ("option", "old") == next((one.kind, one.owner) for one in main if one.name == "release")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("w4 extends", ["main:7 w4", "main:12 w4", "main:16 w4"]),
        ("conv -> ReLU", ["main:8 conv", "main:11 conv", "main:12 conv", "main:13 conv"]),
        ("start ->", ["main:9 start", "main:9 start"]),
        ("npu extends", ["main:18 npu", "main:4 npu"]),
        ("fast\n", ["main:4 fast", "main:17 fast"]),
        ("edgetpu(", []),
    ],
)
def test_occurrences_are_what_a_change_of_the_name_changes(place, expected):
    found = of_text(SPEC)
    offset = SPEC.index(place)
    definition = next(one for one in found.definitions if one.span.start == offset and one.name != "int8")

    assert expected == [shown(span) for span in found.occurrences(definition)]


def test_a_deploy_under_its_targets_name_changes_with_the_target():
    text = "qspec 1\ntarget npu { op RELU { input = int8 } }\ndeploy npu\nrequire npu.partitions == 1\n"
    found = of_text(text)
    expected = ["main:2 npu", "main:3 npu", "main:4 npu"]

    for one in (one for one in found.definitions if one.name == "npu"):
        assert expected == [shown(span) for span in found.occurrences(one)]


def test_alternatives_that_share_a_name_are_one_capture():
    found = of_text("qspec 1\nrule r match (Conv2D as c) | (Dense as c) { c.weights = float }\n")
    captures = [one for one in found.definitions if one.kind == "capture"]

    assert 1 == len(captures)
    assert 3 == len(found.occurrences(captures[0]))


def test_at_finds_what_stands_at_an_offset():
    found = of_text(SPEC)
    inside = found.at(SPEC.index("own\n  sum") + 1)
    behind = found.at(SPEC.index("sums match") + len("sums"))

    assert isinstance(inside, Reference)
    assert "quantizer" == inside.kind
    assert isinstance(behind, Definition)
    assert "rule" == behind.kind
    assert None is found.at(SPEC.index("default"))
    assert "own" == found.at(OWN.index("own"), "own.qspec").name


def test_what_cannot_be_read_is_defined_all_the_same():
    found = of_text("qspec 1\nquantizer w9 { type = = }\npattern p = = Dense\ndefault { weights = w9 }\n")

    assert {"w9", "p"} == {one.name for one in found.definitions}
    assert ["w9"] == [one.name for one in found.references if one.definition is not None]


def test_patterns_that_use_themselves_and_each_other_end():
    cyclic = "qspec 1\npattern a = b -> b as x\npattern b = a -> a as y\n"
    doubled = "pattern p0 = Dense as d\n" + "".join(f"pattern p{n + 1} = p{n} -> p{n}\n" for n in range(200))
    found = of_text(cyclic + doubled + "rule r match a -> p200 where x.y.x.y.z.w and d.units == 3 { all = float }\n")

    assert ["x", "y", "x", "y", "d"] == [one.name for one in found.references if one.kind == "capture"]


# ---- what resolving finds, and what the symbols say

# Errors that a name without a definition causes, and those that hide them: the rest of the text is not looked at.
_UNDEFINED = ("QS101", "QS405")
_BROKEN = ("QS0", "QS102", "QS103", "QS204", "QS206", "QS207")


def is_known(found: Symbols, one: Reference) -> bool:
    return one.kind in ("layer class", "file", "option") or found.definition_of(one) is not None


def disagreements(text: str, path: str = "main.qspec", texts: dict[str, str] | None = None) -> list[str]:
    """Names that are undefined for one of the two only."""
    spec, diagnostics = loads(text, path, texts)
    if spec is None:
        return []
    found = spec.symbols
    errors = [item for item in diagnostics if item.code in _UNDEFINED and "has no row for" not in item.message]
    wrong = []
    for item in errors:
        there = [one for one in found.references if covers(item.span, one.span)]
        if there and all(is_known(found, one) for one in there):
            wrong.append(f"defined: {item.message}")
    if not any(item.code.startswith(_BROKEN) and item.severity.value == "error" for item in diagnostics):
        told = [item.span for item in diagnostics if isinstance(item.span, Span)]
        missing = [one for one in found.references if not is_known(found, one)]
        # The parts of a pattern with a mistake are not looked at.
        if any(one.kind in ("pattern", "capture") and not is_part(one) for one in missing):
            missing = [one for one in missing if one.kind != "capture"]
        # What is deployed under an unknown target's name is not known, and nothing else of the name is told.
        unread = {one.name for one in missing if one.kind == "target"}
        missing = [one for one in missing if one.kind == "target" or one.name not in unread]
        wrong += [f"not told: {shown(one.span)}" for one in missing if not any(covers(span, one.span) for span in told)]
    return wrong


def is_part(one: Reference) -> bool:
    """Whether it stands before a dot, as in an assignment."""
    return one.span.source.text[one.span.end :].startswith(".")


def covers(span: Span, other: Span) -> bool:
    return span.source is other.source and span.start <= other.start and other.end <= span.end


@pytest.mark.parametrize("path", [*FIXTURES, *SHIPPED], ids=lambda path: path.stem)
def test_names_are_undefined_for_both_or_for_none(path):
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        pytest.skip("no text")

    assert [] == disagreements(text, str(path))


def test_names_that_are_changed_at_random_are_undefined_for_both():
    seed = 5
    rng = random.Random(seed)
    found = of_text(SPEC)
    both: list[Definition | Reference] = [*found.definitions, *found.references]
    names = [one for one in both if one.span.source.path == "main.qspec"]
    changed = 0
    for number in range(300):
        text = SPEC
        for one in sorted(rng.sample(names, 1 + number % 3), key=lambda one: -one.span.start):
            word = rng.choice(["zz", "w8", "conv", "block", "Conv2D", "a8", "edgetpu", "npu", one.name])
            if one.kind != "file":
                text = text[: one.span.start] + word + text[one.span.end :]
        changed += text != SPEC

        assert [] == disagreements(text, "main.qspec", {"own.qspec": OWN}), f"seed {seed}, text {number}:\n{text}"
    assert changed > 200


def test_nothing_is_raised_whatever_the_text():
    seed = 7
    rng = random.Random(seed)
    manual = (ROOT / "grammar" / "README.md").read_text(encoding="utf-8")
    texts = [SPEC, *re.findall(r"```qspec\n(.*?)```", manual, re.DOTALL)]
    for number in range(400):
        text = rng.choice(texts)
        start, length = rng.randrange(len(text)), rng.choice([1, 1, 5, 40])
        text = text[:start] + rng.choice(["", "{", " as ", "\n", "->", "(", '"', "}"]) + text[start + length :]
        found = of_text(text)

        both: list[Definition | Reference] = [*found.definitions, *found.references]
        for one in both:
            written = one.span.source.text[one.span.start : one.span.end]
            assert one.kind == "file" or one.name == written, (seed, number)


# ---- what is used


def test_what_only_unused_definitions_use_is_unused():
    text = """qspec 1
quantizer a { type = int8 }
quantizer b extends a { narrow = true }
quantizer c extends b { type = int4 }
quantizer d { type = int16 }
quantizer e extends d { rounding = half_even }
pattern p = Dense as part -> q
pattern q = ReLU
pattern r = q -> Dense
rule one match r { weights = e }
"""
    found = of_text(text)

    assert ["a", "b", "c", "p"] == [one.name for one in found.unused]
    assert not found.is_library


def test_a_file_without_rules_is_a_library():
    assert of_text("qspec 1\nquantizer a { type = int8 }\npattern p = Dense\n").is_library
    assert not of_text("qspec 1\ndefault { all = float }\n").is_library


def test_a_place_is_inside_the_definition_around_it():
    found = of_text(SPEC)
    places = {"extends w8": "w4", "act\npattern": "block", "sum\ndefault": "residual", "a8 }": None}

    for text, expected in places.items():
        start = SPEC.index(text)
        definition = found.inside(Span(found.files["main.qspec"].source, start, start + 1))
        assert expected == (definition.name if definition else None)


def test_a_capture_that_a_used_pattern_brings_comes_again():
    text = "qspec 1\npattern block = Conv2D as conv -> ReLU\nrule r match block -> Add(conv -> Dense) { all = float }\n"
    found = of_text(text)
    again = next(one for one in found.references if one.kind == "capture")

    assert "main:3 conv" == shown(again.span)
    assert "main:2 conv" == shown(again.definition.span)
