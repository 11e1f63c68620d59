"""Text to tokens. Whether a word is a keyword, a unit or a name is left to the automaton, which knows the place."""

from __future__ import annotations

import re

from qspec.syntax.table import Table

Token = tuple[str, int, int]
"""Terminal, start, end. `NAME` may yet turn out to be a keyword or a unit; `ERROR` is one character of no token."""

END = "$END"
NEWLINE = "_NL"
ERROR = "ERROR"

# A newline behind one of these cannot end a statement.
CONTINUES = frozenset(
    (
        *("LBRACE", "COMMA", "EQUAL", "VBAR", "ARROW", "THROUGH", "COMPARE", "PLUS", "MINUS", "STAR", "SLASH", "DOT"),
        *("AND", "OR", "NOT", "IN", "AS", "LIKE", "MATCHES", "MATCH", "WHERE", "WHEN", "BECAUSE"),
    )
)

# The words that begin a statement.
STATEMENTS = (
    *("qspec", "import", "deploy", "layer", "quantizer", "pattern", "input", "output", "default", "rule", "require"),
    *("calibrate", "train", "target"),
)

_IGNORED = ("BLANK", "COMMENT")


def scanner(table: Table) -> re.Pattern[str]:
    """One regular expression for every token of the grammar; it matches at every position of every text."""
    tokens = "|".join(f"(?P<{name}>{regex})" for name, regex in table.terminals if name not in _IGNORED)
    ignored = "|".join(regex for name, regex in table.terminals if name in _IGNORED)
    return re.compile(f"(?:{ignored})*+(?:{tokens}|(?P<END>\\Z)|(?P<{ERROR}>.))", re.DOTALL)


def lex(text: str, pattern: re.Pattern[str]) -> list[Token]:
    """The tokens of *text*; the last is `END`."""
    tokens: list[Token] = []
    for match in pattern.finditer(text):
        kind = match.lastgroup
        if kind == "END":
            break
        if kind != "_CONTINUED":
            tokens.append((kind, match.start(kind), match.end()))  # type: ignore[arg-type]
    tokens.append((END, len(text), len(text)))
    return tokens
