"""Specs made from the rules of `grammar/qspec.lark`: every construct, with comments, blank lines, line ends and blanks
wherever the language allows them."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache

from qspec.syntax.lexer import CONTINUES
from tests.syntax.lark_oracle import lark

DEEPEST = 13  # rules inside each other; deeper ones take their shortest way out
LINE_STARTS = ("->", "|", "and", "or", "where", "because")

WORDS = [
    *("Conv2D", "Dense", "ReLU", "w8", "a8", "conv", "x", "index", "filters", "int8", "per_tensor", "CONV_2D"),
    *("a_name_that_takes_a_little_more_room", "and_a_name_that_takes_so_much_room_that_little_can_stand_beside_it"),
]
# Words of the language that are names where a name stands.
KEYWORDS = ["type", "read", "form", "match", "target", "on", "option", "constant", "lsb", "KiB", "model", "except"]
STRINGS = [
    '"a"',
    "'a'",
    '""',
    "'say \"no\"'",
    r'"\"\\\n\t\u{e9}"',
    r"'\d+'",
    '"# no comment"',
    "'{'",
    '"→ é"',
    '"1 # 2"',
]
TEXTS = {
    "NUMBER": ["0", "1", "14", "0.5", "1e-3", "2.50"],
    "UNIT": ["%", "KiB", "MB", "B", "lsb", "dB"],
    "COMPARE": ["==", "!=", "<=", ">=", "<", ">"],
}
COMMENTS = ["#", "# a comment", "#no blank", "# }", '# "', "# -> and", "#\ttab", "# é  "]
SUPPRESSIONS = ["# qspec: ignore[QS301]", "#qspec:ignore[QS301, QS302], a reason"]


@cache
def _grammar():
    """The expansions of each rule, and how deep the shallowest of what each derives is."""
    parser = lark()
    expansions = defaultdict(list)
    for rule in parser.rules:
        expansions[rule.origin.name].append([(symbol.name, symbol.is_term) for symbol in rule.expansion])
    depths = dict.fromkeys(expansions, 1000)
    for _ in range(50):
        for name, choices in expansions.items():
            depths[name] = 1 + min(_depth(choice, depths) for choice in choices)
    patterns = {terminal.name: terminal.pattern.value for terminal in parser.terminals}
    return dict(expansions), depths, patterns


def _depth(expansion, depths):
    return max((0 if is_term else depths[name] for name, is_term in expansion), default=0)


def constructs():
    """Every way in which every rule can be written, but for those that each file has in the same way."""
    expansions, _, _ = _grammar()
    return {
        (name, tuple(choice))
        for name, choices in expansions.items()
        for choice in choices
        if name not in ("start", "__start_star_0", "statement", "edition")
    }


class Generator:
    """Makes one spec; `suppressing` has more comments, and most of them suppress. `used` are the constructs in it."""

    def __init__(self, generator: random.Random, suppressing: bool = False) -> None:
        self.random = generator
        self.comments = COMMENTS + SUPPRESSIONS * (5 if suppressing else 1)
        self.wild = generator.choice([0.2, 0.4] if suppressing else [0.02, 0.1, 0.4])
        self.used: set[tuple[str, tuple[tuple[str, bool], ...]]] = set()
        self.tokens: list[tuple[str, str]] = []
        self.open: list[str] = []

    def text(self) -> str:
        """A whole spec, of a few statements."""
        expansions, _, _ = _grammar()
        self._add("QSPEC")
        self.tokens.append(("NUMBER", "1"))
        names = [choice[0][0] for choice in expansions["statement"]]
        for _ in range(self.random.randint(0, 4)):
            self._add("_NL")
            # Half of the grammar is that of targets.
            name = "target" if self.random.random() < 0.3 else self.random.choice(names)
            if name != "edition":
                self._derive([(name, False)], 0)
        return self._laid_out()

    def _derive(self, expansion, depth):
        expansions, depths, _ = _grammar()
        for name, is_term in expansion:
            if is_term:
                self._add(name)
                continue
            choices = expansions[name]
            if depth >= DEEPEST:
                least = min(_depth(choice, depths) for choice in choices)
                choices = [choice for choice in choices if _depth(choice, depths) == least]
            start = len(self.tokens)
            choice = self.random.choice(choices)
            self.used.add((name, tuple(choice)))
            self._derive(choice, depth + 1)
            if name == "raw_operation":
                self.tokens[start] = ("NAME", "Operation")

    def _add(self, kind):
        if kind == "NAME":
            text = self.random.choice(WORDS if self.random.random() < 0.95 else KEYWORDS)
        elif kind == "STRING":
            text = self.random.choice(STRINGS)
        else:
            text = self.random.choice(TEXTS[kind]) if kind in TEXTS else _grammar()[2][kind]
        self.tokens.append((kind, text))

    # ---- the layout, as wild as it may be

    def _laid_out(self):
        pieces, last, last_text = [self._above()], "_NL", ""
        for kind, text in self.tokens:
            if kind == "_NL":
                pieces.append(self._lines())
                last, last_text = kind, ""
                continue
            inside = bool(self.open) and self.open[-1] != "{"
            free = inside or last in CONTINUES or text in LINE_STARTS or (last == "COMMA")
            pieces.append(self._between(last_text, text, free and last != "_NL"))
            pieces.append(text)
            if text in ("(", "[", "{"):
                self.open.append(text)
            elif text in (")", "]", "}"):
                self.open.pop()
            last, last_text = kind, text
        return "".join(pieces) + self.random.choice(["", "\n", " ", "\n\n# end", " # end\n", "\n# end\n\n\n"])

    def _above(self):
        return self._lines().removeprefix("\n") if self.random.random() < self.wild else ""

    def _between(self, before, after, free):
        if free and self.random.random() < self.wild:
            return self._lines()
        apart = bool(before) and _is_word(before[-1]) and _is_word(after[0])
        return self.random.choice([" ", " ", "  ", "\t"] if apart else ["", " ", " ", "   "])

    def _lines(self):
        """The end of a line, with what may stand between it and the next."""
        text = self._comment(" ") if self.random.random() < self.wild else ""
        end = self.random.choice(["\n", "\n", "\r\n"]) if self.random.random() < 0.1 else "\n"
        while self.random.random() < self.wild:
            text += end + (self._comment("") if self.random.random() < 0.5 else self.random.choice(["", "  ", "\f"]))
        return f"{text}{end}{self.random.choice(['', '', '  ', '      '])}"

    def _comment(self, before):
        return self.random.choice([before, "  ", "\t"]) + self.random.choice(self.comments)


def _is_word(character):
    return character.isalnum() or character == "_"
