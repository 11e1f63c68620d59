"""Specs with mistakes whose number and places are known: the ordinary ones, put at random into a spec without any.

A mistake is a change of one item or of one statement. Nothing else is changed there, so that the mistakes do not depend
on each other; items of one block may each have one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

Lines = list[str]
NEXT = -1  # in the place of a line: the first one of the next statement


@dataclass
class Statement:
    """A statement by its lines. `wrong` are its mistakes: the sort, and the lines in which it may be told."""

    kind: str
    lines: Lines
    wrong: list[tuple[str, set[int]]] = field(default_factory=list)


@dataclass(frozen=True)
class Mistake:
    """A sort of mistake, and the lines of the text, from 1, in one of which it is to be told."""

    sort: str
    lines: frozenset[int]


def spec(generator: random.Random, size: int) -> list[Statement]:
    """A spec without mistakes, of about *size* statements, of every kind."""
    head = [Statement("edition", ["qspec 1"]), Statement("import", ['import "std/int8.qspec"'])]
    fixed = [make(generator, 0) for make in (_boundary, _default, _calibrate, _table)]
    makers = (_quantizer, _short_quantizer, _rule, _rule, _short_rule, _pattern, _require, _deploy, _table)
    rest = [generator.choice(makers)(generator, number) for number in range(1, size + 1)]
    body = fixed + rest
    generator.shuffle(body)
    return [*head, *body]


def _quantizer(generator: random.Random, number: int) -> Statement:
    lines = ["  type = int8", "  scheme = symmetric", "  granularity = per_tensor", "  range = percentile(99.9)"]
    chosen = sorted(generator.sample(range(4), generator.randint(1, 4)))
    return Statement("quantizer", [f"quantizer q{number} {{", *(lines[i] for i in chosen), "}"])


def _short_quantizer(generator: random.Random, number: int) -> Statement:
    base = generator.choice(["w8", "w8_tensor"])
    return Statement("short quantizer", [f"quantizer s{number} extends {base} {{ type = int4 }}"])


def _rule(generator: random.Random, number: int) -> Statement:
    pattern = generator.choice(["Dense", "(Conv2D | Dense) as conv", "Conv2D as conv -> ReLU? as act"])
    path = "path" if pattern == "Dense" else "conv.path"
    where = generator.choice(["", " where index == 3", f' where {path} like "encoder/**"', " where index in 1..3"])
    lines = ["  weights = w8", "  output = a8", '  inner["scores"] = a8', "  bias = float"]
    chosen = sorted(generator.sample(range(4), generator.randint(1, 3)))
    return Statement("rule", [f"rule r{number} match {pattern}{where} {{", *(lines[i] for i in chosen), "}"])


def _short_rule(generator: random.Random, number: int) -> Statement:
    name = generator.choice(["Dense", "Conv2D | DepthwiseConv2D"])
    return Statement("short rule", [f"rule t{number} match {name} where units >= 16 {{ weights = w8, output = a8 }}"])


def _pattern(generator: random.Random, number: int) -> Statement:
    return Statement("pattern", [f"pattern p{number} = Conv2D as conv -> BatchNormalization? -> ReLU? as act"])


def _require(generator: random.Random, number: int) -> Statement:
    quantity = generator.choice(["size <= 1.5 MiB", "ops < 200", 'sqnr("head") >= 30 dB', "size <= 80 KiB and ops < 9"])
    return Statement(
        "require", [f"require {quantity}{generator.choice(['', chr(32) + 'because ' + repr('it is small')])}"]
    )


def _deploy(generator: random.Random, number: int) -> Statement:
    return Statement("deploy", [f"deploy edgetpu(runtime = {generator.randint(10, 14)}) as d{number}"])


def _boundary(generator: random.Random, number: int) -> Statement:
    return Statement("boundary", ["input {", "  type = int8", "  range = fixed(0, 1)", "  batch = 1", "}"])


def _default(generator: random.Random, number: int) -> Statement:
    return Statement("default", ["default {", "  weights = w8", "  output = a8", "}"])


def _calibrate(generator: random.Random, number: int) -> Statement:
    return Statement("settings", ["calibrate {", "  samples = 64", "  batch = 8", "}"])


def _table(generator: random.Random, number: int) -> Statement:
    rows = [
        ["  op CONV_2D {", "    input = int8", "    constant weights = int8", "    output = int8", "  }"],
        [
            "  op ADD when rank < 5 {",
            "    input = int8 | int16",
            "    output = int8 | int16",
            "    require batch == 1",
            "  }",
        ],
        ["  op RELU { input = int8, output = int8 }"],
    ]
    chosen = sorted(generator.sample(range(3), generator.randint(1, 3)))
    head = [f"target npu{number} on tflite {{", '  title = "An accelerator"']
    return Statement("table", [*head, *(line for i in chosen for line in rows[i]), "}"])


# ---- mistakes in one line; each gives the line as a person would have written it, or None where it cannot be made

OneLine = Callable[[str], "str | None"]


def _swap(pattern: str, replacement: str) -> OneLine:
    """The first place where a pattern stands, replaced."""

    def change(line: str) -> str | None:
        changed, count = re.subn(pattern, replacement, line, count=1)
        return changed if count else None

    return change


NO_VALUE = "no value"
_ITEM = r"^(  +(?:constant )?[a-z]+(?:\[\"scores\"\])?) = (.*)$"
IN_ITEMS: dict[str, OneLine] = {
    "a colon for an equal sign": _swap(_ITEM, r"\1: \2"),
    "two equal signs": _swap(_ITEM, r"\1 == \2"),
    "no equal sign": _swap(_ITEM, r"\1 \2"),
    NO_VALUE: _swap(_ITEM, r"\1 ="),
    "a semicolon": _swap(_ITEM, r"\1 = \2;"),
    "two items without a comma": _swap(r"^(  (?:weights|output)) = (w8|a8)$", r"\1 = \2 state = \2"),
    "a quantizer that is not defined": _swap(r" = (w8|a8)$", " = w9"),
    "a slot that is misspelt": _swap(r"^  weights = ", "  wieghts = "),
    "an attribute that is misspelt": _swap(r"^  (scheme|granularity|samples) = ", r"  x\1 = "),
    "a type that there is not": _swap(r"^  type = int8$", "  type = int9"),
    "a parenthesis that is not closed": _swap(r"^(  range = percentile\(99\.9)\)$", r"\1"),
    "a parenthesis too many": _swap(r"^(  output = a8)$", r"\1)"),
    "a word in quotes": _swap(r"^    input = int8$", '    input = "int8"'),
    "an operand type that there is not": _swap(r"^    output = int8$", "    output = int8x"),
    "a curly quote": _swap(r'^  title = "An', "  title = \u201cAn"),
}
IN_STATEMENTS: dict[str, OneLine] = {
    "a keyword that is misspelt": _swap(r"^(quantizer|rule|require|pattern|deploy|calibrate|default)\b", r"x\1"),
    "a rule without a name": _swap(r"^rule \w+ ", "rule "),
    "a name with a minus": _swap(r"^rule (\w)", r"rule my-\1"),
    "no `match`": _swap(r" match ", " "),
    "`match` misspelt": _swap(r" match ", " mach "),
    "`if` for `where`": _swap(r" where ", " if "),
    "one equal sign in a condition": _swap(r"(where .*?) == ", r"\1 = "),
    "an ampersand": _swap(r"(where [^{]*?) \{", r"\1 && index > 1 {"),
    "a chained comparison": _swap(r"where (units|index) [=>]= \d+ ", r"where 1 < \1 < 30 "),
    "a text without quotes": _swap(r'like "encoder/\*\*"', "like encoder/**"),
    "a text that is not closed": _swap(r'"encoder/\*\*"', '"encoder/**'),
    "alternatives with a comma": _swap(r"match Conv2D \| DepthwiseConv2D ", "match Conv2D, DepthwiseConv2D "),
    "alternatives with a comma in parentheses": _swap(r"\(Conv2D \| Dense\)", "(Conv2D, Dense)"),
    "a union that is named": _swap(r"match Conv2D \| DepthwiseConv2D ", "match Conv2D | DepthwiseConv2D as x "),
    "an arrow that is none": _swap(r" -> ", " \u2192 "),
    "a layer's name as a pattern": _swap(r"match Dense ", 'match "dense" '),
    "a target that there is not": _swap(r"^deploy edgetpu", "deploy egdetpu"),
    "an option that there is not": _swap(r"\(runtime = ", "(runtme = "),
    "no equal sign in parentheses": _swap(r"\(runtime = ", "(runtime "),
    "a parenthesis of a target that is not closed": _swap(r"(runtime = \d+)\)", r"\1"),
    "a comparison that is none": _swap(r"<=", "=<"),
    "a unit that is misspelt": _swap(r"(80|1\.5) (.)iB", r"\1 \2ib"),
    "`because` misspelt": _swap(r" because ", " becuase "),
    "a reason without quotes": _swap(r" because '.*'", " because small"),
    "a base that is not defined": _swap(r" extends w8(_tensor)? ", " extends w88 "),
    "`extend` for `extends`": _swap(r" extends ", " extend "),
    "a word of the language as a name": _swap(r"^(quantizer|pattern) \w+", r"\1 true"),
    "a brace too many": _swap(r"^(quantizer .*\})$", r"\1 }"),
    "no opening brace": _swap(r"^(quantizer s\d+ extends \w+) \{", r"\1"),
    "a brace in the line below": _swap(r"^((?:quantizer|rule) .*) \{$", "\\1\n{"),
    "an import without quotes": _swap(r'^import "(.*)"', r"import \1"),
}


def _unclosed(statement: Statement) -> None:
    """The brace at the end goes: told where it should stand, before the next statement, or where the block begins."""
    if len(statement.lines) > 2 and statement.lines[-1] == "}":
        del statement.lines[-1]
        statement.wrong.append(("a block that is not closed", {0, len(statement.lines) - 1, NEXT}))


def _row_unclosed(statement: Statement) -> None:
    """The brace of a row goes: told where it should stand, before the next row or brace, or where the row begins."""
    if "  }" in statement.lines:
        end = statement.lines.index("  }")
        first = max(i for i in range(end) if statement.lines[i].startswith("  op "))
        del statement.lines[end]
        statement.wrong.append(("a row that is not closed", {first, end - 1, end}))


def _defined_twice(statement: Statement) -> None:
    """The statement stands there once more."""
    if statement.kind in ("quantizer", "rule"):
        start = len(statement.lines)
        statement.lines += statement.lines
        statement.wrong.append(("a name that is defined twice", {start}))


OF_STATEMENTS: dict[str, Callable[[Statement], None]] = {
    "a block that is not closed": _unclosed,
    "a row that is not closed": _row_unclosed,
    "a name that is defined twice": _defined_twice,
}
SORTS = (*IN_ITEMS, *IN_STATEMENTS, *OF_STATEMENTS)


def with_mistakes(generator: random.Random, count: int, sort: str = "") -> tuple[str, list[Mistake]]:
    """A text with *count* mistakes, all of one sort if it is given, and where they are."""
    statements = spec(generator, 80 if sort else count + 15)  # room for each sort
    tried = 0
    while sum(len(statement.wrong) for statement in statements) < count:
        _make_mistake(statements, generator, sort or generator.choice(SORTS))
        tried += 1
        assert tried < 10_000, "there is no room for so many mistakes"
    lines: Lines = []
    mistakes: list[Mistake] = []
    for statement in statements:
        following = len(statement.lines) + generator.choice([0, 0, 1])
        for sort, places in statement.wrong:
            numbers = (len(lines) + 1 + (following if place == NEXT else place) for place in places)
            mistakes.append(Mistake(sort, frozenset(numbers)))
        lines += statement.lines + [""] * (following - len(statement.lines))
    return "\n".join(lines) + "\n", mistakes


def untold(mistakes: list[Mistake], told: list[int]) -> list[Mistake]:
    """The mistakes for which there is no error in one of their lines; *told* are the lines of the errors, each of which
    stands for one mistake."""
    left = list(told)
    missing = []
    for mistake in sorted(mistakes, key=lambda mistake: len(mistake.lines)):
        line = next((line for line in left if line in mistake.lines), None)
        if line is None:
            missing.append(mistake)
        else:
            left.remove(line)
    return missing


def _make_mistake(statements: list[Statement], generator: random.Random, sort: str) -> None:
    statement = generator.choice(statements)
    if sort in OF_STATEMENTS:
        if not statement.wrong:
            OF_STATEMENTS[sort](statement)
        return
    # A block with a mistake in one item may have others in other items; any other statement has one.
    if statement.wrong and (sort in IN_STATEMENTS or any(name not in IN_ITEMS for name, _ in statement.wrong)):
        return
    index = generator.randrange(len(statement.lines))
    if any(index in places for _, places in statement.wrong):
        return
    # A line that ends with `=` goes on in the next one: what is wrong there depends on it.
    beside = {index + 1} if sort == NO_VALUE else set()
    beside |= (
        {index - 1} if any(other == NO_VALUE and index - 1 in places for other, places in statement.wrong) else set()
    )
    if any(beside & places for _, places in statement.wrong):
        return
    changed = (IN_ITEMS | IN_STATEMENTS)[sort](statement.lines[index])
    if changed is not None:
        first, *below = changed.split("\n")
        statement.lines[index : index + 1] = [first, *below]
        statement.wrong.append((sort, {index + len(below)}))
