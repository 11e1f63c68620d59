"""Every example in the language manual is read without errors, and every construct of the language has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from lark.grammar import Rule

from qspec._resources import resource
from qspec.diagnostics import Severity, Source
from qspec.lint import check
from qspec.schema import loads
from qspec.schema.conditions import MEASURES, OF_TARGETS, UNITS
from qspec.schema.named_parts import GENERAL
from qspec.schema.operands import WORDS
from qspec.schema.slots import SLOTS
from qspec.schema.vocabulary import BLOCKS, VALUES
from qspec.syntax import parse, tree
from qspec.syntax.lexer import STATEMENTS
from tests.syntax.lark_oracle import lark

MANUAL = (resource("grammar") / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```qspec\n(.*?)^```$", MANUAL, re.DOTALL | re.MULTILINE)
# What pieces of specs may take for granted.
PRELUDE = 'qspec 1\nimport "std/int8.qspec"\n'


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_is_without_mistakes(number):
    text = EXAMPLES[number]
    spec, diagnostics = loads(text if text.startswith("qspec 1\n") else PRELUDE + text)
    assert spec is not None
    found = check(spec, None, diagnostics).diagnostics

    assert [] == [f"{item.span}: {item.message}" for item in found if item.severity is Severity.ERROR]


def test_every_statement_has_an_example():
    shown = {word for text in EXAMPLES for word in re.findall(r"^\w+", text, re.MULTILINE)}

    assert set(STATEMENTS) <= shown


# ---- every way in which the grammar builds something

# What the grammar takes so that a message of its own can refuse it, or that means no more than another way to write it.
POINTLESS = {
    "start → ",  # an empty file
    "model_item → assignment",
    "word_arguments → LPAR RPAR",
    "word_arguments → LPAR RPAR argument more",
    "arguments → LPAR RPAR",
}


def construct(rule: Rule) -> str | None:
    """A production without what only repeats or separates: its origin and its symbols. Of a block, what stands before
    the brace; what it holds is a construct of its own. None for Lark's own helpers."""
    if rule.origin.name.startswith("__"):
        return None
    symbols = [symbol.name for symbol in rule.expansion]
    if "LBRACE" in symbols:
        symbols = symbols[: symbols.index("LBRACE") + 1]
    names = {"more" if symbol.startswith("__") else symbol for symbol in symbols} - {"_NL", "COMMA"}
    return f"{rule.origin.name} → {' '.join(sorted(names, key=lambda name: (name.islower(), name)))}"


@cache
def used() -> frozenset[Rule]:
    """The productions that Lark uses to read the examples."""
    found: set[Rule] = set()
    reader = lark()
    machine = reader.parser.parser.parser
    for rule, build in machine.callbacks.items():
        machine.callbacks[rule] = lambda *values, rule=rule, build=build: found.add(rule) or build(*values)
    for text in EXAMPLES:
        reader.parse(text)
    return frozenset(found)


def test_every_production_of_the_grammar_has_an_example():
    every = {found for rule in lark().rules if (found := construct(rule))}

    assert set() == every - {construct(rule) for rule in used()} - POINTLESS
    assert every >= POINTLESS


# ---- every word that the language gives a meaning


@cache
def nodes(kind: type) -> tuple:
    """All nodes of that kind in the examples' trees."""
    return tuple(
        node for text in EXAMPLES for node in _walk(parse(Source("manual", text))[0]) if isinstance(node, kind)
    )


def _walk(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        for item in value:
            yield from _walk(item)
    elif isinstance(value, tree.Node):
        yield value
        yield from _walk(tuple(getattr(value, name) for name in value._fields if name != "source"))


def written(node: tree.Node) -> str:
    return node.span.source.text[node.span.start : node.span.end]


def test_every_attribute_of_every_block_has_an_example():
    shown: dict[str, set[str]] = {name: set() for name in BLOCKS}
    for node in nodes(tree.Quantizer):
        shown["quantizer"] |= {written(item.path) for item in node.body}
    for node in (*nodes(tree.Boundary), *nodes(tree.Settings)):
        shown[re.match(r"\w+", written(node)).group()] |= {written(item.path) for item in node.body}
    for node in nodes(tree.Target):
        shown["target"] |= {written(item.path) for item in node.items if isinstance(item, tree.Assignment)}

    assert {} == {name: set(BLOCKS[name]) - shown[name] for name in BLOCKS if set(BLOCKS[name]) - shown[name]}


def test_every_value_of_every_attribute_stands_in_an_example_or_in_a_table():
    """Those of `type` in a table: one example for each of them would show nothing."""
    values = {name: set() for name in VALUES}
    for item in (*nodes(tree.Assignment), *nodes(tree.Argument)):
        name = written(item.path) if isinstance(item, tree.Assignment) else item.name and item.name.text
        if name in values:
            values[name].add(re.match(r"\w*", written(item.value)).group())
    types = re.search(r"^\| `type` \|.*", MANUAL, re.MULTILINE).group()
    values["type"] |= {kind for kind in VALUES["type"] if f"`{kind}`" in types}
    if "`int2` to `int7`" in types:
        values["type"] |= {f"int{bits}" for bits in range(2, 8)}

    assert {} == {name: missing for name in VALUES if (missing := set(VALUES[name]) - values[name])}


def test_every_slot_has_an_example():
    bodies = [item for node in (*nodes(tree.Rule), *nodes(tree.Default)) for item in node.body]
    shown = {written(item.path) for item in bodies}

    assert set(SLOTS) <= shown
    for slot in ("weights", "input", "output", "state", "inner"):
        assert any(path.startswith(f"{slot}[") for path in shown), slot
    assert any("." in path for path in shown)  # of a part
    assert {"float"} < {written(item.value) for item in bodies}


def test_every_comparison_and_every_unit_has_an_example():
    assert {"==", "!=", "<", "<=", ">", ">="} == {node.operator for node in nodes(tree.Compare)}
    units = {unit for allowed in UNITS.values() for unit in allowed}

    assert units - {node.unit for node in nodes(tree.Quantity)} <= {"B", "KB", "GB", "GiB"}
    listed = re.search(r"^\| number with a unit \|.*", MANUAL, re.MULTILINE).group()
    assert all(re.search(rf"\b{unit}\b", listed) for unit in units if unit not in (None, "%"))


def test_every_attribute_of_a_layer_has_an_example():
    conditions = " ".join(written(node.where) for node in nodes(tree.Rule) if node.where is not None)

    assert [] == [name for name in GENERAL if not re.search(rf"\b{re.escape(name)}\b", conditions)]


def test_every_quantity_of_require_has_an_example():
    conditions = " ".join(written(node) for node in nodes(tree.Require))
    quantities = [name for name in UNITS if name not in OF_TARGETS] + [f".{name}" for name in OF_TARGETS]

    assert [] == [name for name in quantities if name not in conditions]
    assert [] == [name for name in MEASURES if f".coverage.{name}" not in conditions]
    assert 'sqnr("' in conditions


def test_every_word_of_an_operand_type_is_told():
    """Types that LiteRT has and no quantizer are those of its schema, which the manual only names."""
    shown = {node.name.text for node in nodes(tree.Word)}
    needed = {word for word in WORDS if word in ("symmetric", "asymmetric") or "_" in word}

    assert needed <= shown
