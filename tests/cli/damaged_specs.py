"""Damaged variants of the shipped specs, the same for the same seed."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from qspec._resources import resource

Damage = Callable[[str, random.Random], bytes]

# Words, numbers, strings and signs; comments are found so that they can be left out.
_TOKEN = re.compile(r'#[^\n]*|"(?:\\.|[^"\\\n])*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|->|[=!<>]=|\.\.|\S')
_STRUCTURE = {
    "{",
    "}",
    "(",
    ")",
    "=",
    "|",
    "->",
    "match",
    "rule",
    "quantizer",
    "target",
    "op",
    "input",
    "output",
    "import",
}
_WORDS = {
    "quantizer", "target", "rule", "deploy", "import", "default", "require", "op", "form", "source", "because", "type",
    "scheme", "granularity", "narrow", "int8", "uint8", "float32", "symmetric", "per_channel", "per_tensor", "match",
}  # fmt: skip
_INTRUDERS = (
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=",
    "==",
    "->",
    "|",
    ";",
    "$",
    "@",
    '"',
    "'",
    "..",
    "rule",
    "match",
    "9x",
    "\\",
)
_HUGE = ("9" * 300, "9" * 5000, "1e999", "-1e999", "1e400", "9" * 40 + ".5")


def originals() -> dict[str, str]:
    """The shipped specs by name, but for those that import a file beside them. The targets have names of their own,
    which a copy of a shipped one needs."""
    texts = {path.stem: path.read_text() for path in sorted(resource("specs").rglob("*.qspec"))}
    texts = {name: text for name, text in texts.items() if not re.search(r'^import "(?!std/)', text, flags=re.M)}
    return {name: re.sub(r"^target \w+", f"target {name}_copy", text, flags=re.M) for name, text in texts.items()}


def _tokens(text: str) -> list[re.Match[str]]:
    return [token for token in _TOKEN.finditer(text) if not token[0].startswith("#")]


def _inside(text: str) -> list[re.Match[str]]:
    """The tokens inside braces."""
    depth, inside = 0, []
    for token in _tokens(text):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth > 0:
            inside.append(token)
    return inside


def truncated(text: str, generator: random.Random) -> bytes:
    """Cut off in the middle of a block."""
    token = generator.choice(_inside(text))
    return text[: generator.randint(token.start(), token.end())].encode()


def token_deleted(text: str, generator: random.Random) -> bytes:
    """A bracket, sign or keyword missing."""
    token = generator.choice([token for token in _tokens(text) if token[0] in _STRUCTURE])
    return (text[: token.start()] + text[token.end() :]).encode()


def token_inserted(text: str, generator: random.Random) -> bytes:
    """A token too many."""
    place = generator.choice(_tokens(text)).start()
    return f"{text[:place]} {generator.choice(_INTRUDERS)} {text[place:]}".encode()


def token_replaced(text: str, generator: random.Random) -> bytes:
    """Another token in the place of one."""
    token = generator.choice(_tokens(text))
    return (text[: token.start()] + generator.choice(_INTRUDERS) + text[token.end() :]).encode()


def tokens_exchanged(text: str, generator: random.Random) -> bytes:
    """Two neighbours in the wrong order, a sign among them."""
    tokens = _tokens(text)
    pairs = [(a, b) for a, b in itertools.pairwise(tokens) if {a[0], b[0]} & _STRUCTURE and a[0] != b[0]]
    first, second = generator.choice(pairs)
    between = text[first.end() : second.start()]
    return (text[: first.start()] + second[0] + between + first[0] + text[second.end() :]).encode()


def misspelt(text: str, generator: random.Random) -> bytes:
    """A word of the language with a letter too many."""
    word = generator.choice([token for token in _tokens(text) if token[0] in _WORDS])
    place = generator.randint(word.start() + 1, word.end())
    return (text[:place] + generator.choice("qzx") + text[place:]).encode()


def flipped(text: str, generator: random.Random) -> bytes:
    """Three bits of the text, comments left out, the wrong way round."""
    content = bytearray(text.encode())
    code = [position for token in _tokens(text) for position in range(*token.span()) if token[0][0] != '"']
    for position in generator.sample(code, 3):
        content[len(text[:position].encode())] ^= 1 << generator.randrange(8)
    return bytes(content)


def no_utf_8(text: str, generator: random.Random) -> bytes:
    """A byte that is no UTF-8."""
    content = text.encode()
    place = generator.randrange(len(content))
    wrong = generator.choice([0x80, 0xBF, 0xC0, 0xF5, 0xFE, 0xFF])
    return content[:place] + bytes([wrong]) + content[place:]


def control_character(text: str, generator: random.Random) -> bytes:
    """A character that no text has, between two tokens."""
    place = generator.choice(_tokens(text)).start()
    return (text[:place] + generator.choice("\0\x01\x08\x1b\x7f\ufffe\u2028") + text[place:]).encode()


def nested(text: str, generator: random.Random) -> bytes:
    """Brackets, or signs before a value, far deeper than anybody writes."""
    depth = generator.choice([65, 100, 1000, 20_000])
    pattern = f"{'(' * depth}Dense{')' * depth}"
    statements = [
        f"pattern deep = {pattern}",
        f"rule deep match {'Add(' * depth}Dense{')' * depth} {{ weights = float }}",
        f"rule deep match Dense where {'not ' * depth}units == 1 {{ weights = float }}",
        f"rule deep match Dense where {'(' * depth}units == 1{')' * depth} {{ weights = float }}",
        f"require size <= {'-' * depth}1 MiB",
        f"quantizer deep {{ range = {'fixed(' * depth}0, 1{')' * depth} }}",
        f"rule deep match Dense {'{' * depth}",
        f"rule deep match Dense where units == {'(' * depth}",
    ]
    return f"{text}\n{generator.choice(statements)}\n".encode()


def huge_number(text: str, generator: random.Random) -> bytes:
    """A number that nothing can be."""
    number = generator.choice(_HUGE)
    statements = [
        f"quantizer huge {{ range = fixed(0, {number}) }}",
        f"quantizer huge {{ range = percentile({number}) }}",
        f"quantizer huge {{ type = int{'9' * 300} }}",
        f"input {{ batch = {number} }}",
        f"calibrate {{ samples = {number} }}",
        f"deploy edgetpu(runtime = {number}) as huge",
        f"train {{ freeze_ranges_after = steps({number}) }}",
    ]
    return f"{text}\n{generator.choice(statements)}\n".encode()


def repeated(text: str, generator: random.Random) -> bytes:
    """Far longer than what people write, with a mistake in every line, or larger than a file may be."""
    line = generator.choice(
        [
            "rule a match Dense { weights = w9 }\n",
            "quantizer a extends a { type = int99 }\n",
            "}{)(][\n",
            "rule\n",
            '"\n',
            "a -> b | c ",
            "import 'nowhere.qspec'\n",
            "((",
        ]
    )
    size = generator.choice([30_000, 60_000, 600_000])
    return (text + "\n" + line * (max(0, size - len(text)) // len(line))).encode()


def cyclic(text: str, generator: random.Random) -> bytes:
    """Definitions that stand on each other in a circle."""
    length = generator.choice([1, 2, 50, 500])
    word, relation = generator.choice([("quantizer", "extends"), ("target", "extends"), ("target", "on")])
    lines = [f"{word} c{number} {relation} c{(number + 1) % length} {{ }}" for number in range(length)]
    return f"{text}\n{chr(10).join(lines)}\n".encode()


DAMAGES: tuple[tuple[Damage, int], ...] = (
    (truncated, 25), (token_deleted, 25), (token_inserted, 25), (token_replaced, 25), (tokens_exchanged, 20),
    (misspelt, 15), (flipped, 15), (no_utf_8, 10), (control_character, 5), (nested, 10), (huge_number, 10),
    (repeated, 10), (cyclic, 5),
)  # fmt: skip
"""Two hundred in all, the shipped specs in turn."""


def write_all(folder: Path, seed: int) -> list[Path]:
    """All variants, named by their spec and damage."""
    return list(_written(folder, random.Random(seed)))


def _written(folder: Path, generator: random.Random) -> Iterator[Path]:
    specs = cycle(originals().items())
    for damage, count in DAMAGES:
        for index, (name, text) in zip(range(count), specs, strict=False):
            path = folder / f"{name}_{damage.__name__}_{index}.qspec"
            path.write_bytes(damage(text, generator))
            yield path
