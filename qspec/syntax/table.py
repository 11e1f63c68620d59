"""The parse table: the grammar, compiled by Lark into plain data that can be shipped and read in a millisecond.

`python -m qspec.syntax.table` writes it anew. A table that was made from another grammar text is never used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qspec._resources import resource

SHIPPED = Path(__file__).with_name("table.json")

NONE = -1  # in `Production.keep`: an optional part that is absent
SPLICE = 1000  # in `Production.keep`: the children of the part at this position less SPLICE, one by one


@dataclass(frozen=True, slots=True)
class Production:
    """One line of a rule: how many symbols it has and which of them become its children.

    `keep` holds positions, `NONE` and positions plus `SPLICE`. `transparent` rules stand for an only child, `helper`
    rules for a list of children; the others are built under the name `origin`. A `unit` is transparent and has but one.
    """

    origin: str
    size: int
    keep: tuple[int, ...]
    transparent: bool
    helper: bool
    unit: bool


@dataclass(frozen=True, slots=True)
class Table:
    """An LALR(1) automaton, which starts in state 0 and is done in state `end`, and its words.

    `actions[state][terminal]` is the state to shift to, or `~production` to reduce. `gotos[state][origin]` is the state
    behind a reduced part. `terminals` are name and regular expression, in the order in which a lexer tries them;
    `keywords` maps the text of a word to its terminal.
    """

    end: int
    actions: tuple[dict[str, int], ...]
    gotos: tuple[dict[str, int], ...]
    productions: tuple[Production, ...]
    terminals: tuple[tuple[str, str], ...]
    keywords: dict[str, str]


def grammar_text() -> str:
    """The text of `grammar/qspec.lark`."""
    return (resource("grammar") / "qspec.lark").read_text(encoding="utf-8")


def load() -> Table:
    """The shipped table, or one built now if the shipped one is of another grammar."""
    grammar = grammar_text()
    try:
        data = json.loads(SHIPPED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = {}
    return from_data(data) if data.get("grammar") == grammar else from_data(compile_grammar(grammar))


def from_data(data: dict[str, Any]) -> Table:
    """The table in *data*, as `compile_grammar` gives it."""
    return Table(
        end=data["end"],
        actions=tuple(data["actions"]),
        gotos=tuple(data["gotos"]),
        productions=tuple(
            Production(o, size, tuple(keep), t, h, t and size == 1 and keep == [0])
            for o, size, keep, t, h in data["productions"]
        ),
        terminals=tuple((name, regex) for name, regex in data["terminals"]),
        keywords=data["keywords"],
    )


def compile_grammar(grammar: str) -> dict[str, Any]:
    """The table of a grammar as JSON data. Imports Lark, which takes a tenth of a second."""
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    frontend: Any = Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=True).parser
    table = frontend.parser._parse_table
    rules = list(frontend.parser_conf.rules)
    production = {rule: index for index, rule in enumerate(rules)}
    nonterminals = {rule.origin.name for rule in rules}
    order = _numbered(table, Shift)
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in order:
        row = sorted(table.states[state].items(), key=lambda entry: entry[0])
        targets = {symbol: order[arg] if action is Shift else ~production[arg] for symbol, (action, arg) in row}
        actions.append({symbol: target for symbol, target in targets.items() if symbol not in nonterminals})
        gotos.append({symbol: target for symbol, target in targets.items() if symbol in nonterminals})
    return {
        "grammar": grammar,
        "end": order[table.end_states["start"]],
        "actions": actions,
        "gotos": gotos,
        "productions": [_production(rule) for rule in rules],
        **_words(frontend.lexer_conf.terminals),
    }


def _numbered(table: Any, shift: Any) -> dict[Any, int]:
    """The states in the order in which they are reached; Lark's own numbers depend on the hash seed."""
    reached = [table.start_states["start"]]
    for state in reached:
        row = sorted(table.states[state].items(), key=lambda entry: entry[0])
        reached += dict.fromkeys(arg for _, (action, arg) in row if action is shift and arg not in reached)
    return {state: index for index, state in enumerate(reached)}


def _production(rule: Any) -> list[Any]:
    """Which symbols of a compiled rule become children: what Lark's own tree builder keeps."""
    absent = _absent_before(rule.options.empty_indices, len(rule.expansion))
    keep: list[int] = []
    for position, symbol in enumerate(rule.expansion):
        keep += [NONE] * absent[position]
        if symbol.is_term:
            keep += [] if symbol.filter_out else [position]
        else:
            keep.append(position + SPLICE if symbol.name.startswith("_") else position)
    keep += [NONE] * absent[-1]
    name = rule.origin.name
    return [name, len(rule.expansion), keep, bool(rule.options.expand1), name.startswith("_")]


def _absent_before(empty: Sequence[bool], size: int) -> list[int]:
    """How many absent optional parts stand before each symbol, and behind the last."""
    counts = [0]
    for is_absent in empty or [False] * size:
        if is_absent:
            counts[-1] += 1
        else:
            counts.append(0)
    return counts


def _words(terminals: Sequence[Any]) -> dict[str, Any]:
    """Keywords apart from the rest, the rest in the order in which Lark's lexer tries them."""
    keywords = {
        t.pattern.value: t.name for t in terminals if t.pattern.type == "str" and t.pattern.value.isidentifier()
    }
    rest = [t for t in terminals if t.pattern.value not in keywords]
    rest.sort(key=lambda t: (-t.priority, t.name == "UNIT", -t.pattern.max_width, -len(t.pattern.value), t.name))
    return {"terminals": [[t.name, t.pattern.to_regexp()] for t in rest], "keywords": dict(sorted(keywords.items()))}


def dump(data: dict[str, Any]) -> str:
    """The text of the shipped file."""
    return json.dumps(data, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    SHIPPED.write_text(dump(compile_grammar(grammar_text())), encoding="utf-8")
