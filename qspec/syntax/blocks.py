"""Blocks: braces that are missing, and items that stand in a block that does not take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qspec.diagnostics import Span
from qspec.syntax.lexer import CONTINUES, END, NEWLINE, Token
from qspec.syntax.mistake import Explanation, Mistake, say

_CONDITIONS = ("require", "refuse", "warn")
# What stands in each block of a target, by the word that it begins with.
ITEMS = {
    "target": ("option", "model", "op", "without", "refuse", "warn", "source", "deprecated"),
    "model": _CONDITIONS,
    "op": (*_CONDITIONS, "when", "form", "constant", "source", "unverified"),
    "form": (*_CONDITIONS, "when", "constant", "unverified"),
    "when": (*_CONDITIONS, "when", "constant"),
}
_OF_TARGETS_ALONE = ("option", "model", "op", "without", "deprecated")
_ALL_ITEMS = frozenset(word for items in ITEMS.values() for word in items)
_NAMED = ("rule", "quantizer", "target", "form")
_STATEMENTS = ("rule", "quantizer", "pattern", "target")
_LONGEST = 40  # characters of a block that are shown


@dataclass
class Block:
    """An open block. `head` is the index of its first token, `column` where the line of that token begins; `indented`
    whether what stands in it begins further to the right, None before that is seen."""

    head: int
    brace: int
    column: int
    indented: bool | None


def innermost_block(mistake: Mistake) -> str:
    """The word that begins the block around a mistake: `op`, `rule`; empty outside of every block."""
    braces = [index for index in mistake.failure.openers if mistake.tokens[index][0] == "LBRACE"]
    return mistake.text(mistake.tokens[_head(mistake, braces[-1])]) if braces else ""


# ---- a `}` that is missing


def open_block(mistake: Mistake) -> Explanation | None:
    """A block without its `}`: the text ends, or something begins that only a block around it takes."""
    failure = mistake.failure
    ended = mistake.token[0] == END and "RBRACE" in failure.expected
    if not ended and not _begins_item_of_target(mistake) and not _begins_statement(mistake):
        return None
    found = _unclosed(mistake)
    if found is None:
        brace, index = failure.openers[-1], failure.index if ended else failure.previous
        found = _head(mistake, brace), brace, index
    head, brace, index = found
    title = _title(mistake, head, brace)
    message = f"`{title}`, opened in line {mistake.line(mistake.tokens[brace])}, is not closed"
    kind, start, end = mistake.tokens[index]
    span = Span(mistake.source, *((mistake.previous[2],) * 2 if kind == END else (start, end)))
    diagnostic = say(mistake, message, "close it with `}`", span)
    opener = Span(mistake.source, *mistake.tokens[brace][1:])
    return diagnostic.with_related(opener, f"`{title}` is opened here"), _closed(mistake, index)


def _closed(mistake: Mistake, index: int) -> list[Token]:
    """The tokens with a brace before the one at *index*, and before the separator in front of that."""
    tokens = mistake.tokens
    start = tokens[index][1]
    if tokens[index][0] != END and tokens[index - 1][0] not in (NEWLINE, "COMMA"):
        return [*tokens[:index], ("RBRACE", start, start), (NEWLINE, start, start), *tokens[index:]]
    index -= tokens[index][0] != END
    return [*tokens[:index], ("RBRACE", start, start), *tokens[index:]]


def _begins_item_of_target(mistake: Mistake) -> bool:
    """Whether the word before the mistake begins an item of a target, in a block inside the target."""
    word = _item_word(mistake)
    if word not in _OF_TARGETS_ALONE or innermost_block(mistake) not in ("model", "op", "form", "when"):
        return False
    brace = mistake.failure.openers[-1]
    line_of_block = _indentation(mistake, mistake.tokens[_head(mistake, brace)])
    # Nothing nests `op`; another item may be meant as a part of this block, which it then says by its place.
    return word == "op" or _indentation(mistake, mistake.previous) <= line_of_block or _unclosed(mistake) is not None


def _begins_statement(mistake: Mistake) -> bool:
    """Whether the word before the mistake begins a statement, in a block that should have ended: `rule NAME`."""
    if mistake.token[0] != "NAME" or not mistake.failure.openers or not _begins_item(mistake):
        return False
    head = mistake.tokens[_head(mistake, mistake.failure.openers[-1])]
    return mistake.text(mistake.previous) in _STATEMENTS and (
        _indentation(mistake, mistake.previous) <= _indentation(mistake, head) or _unclosed(mistake) is not None
    )


def _begins_item(mistake: Mistake) -> bool:
    """Whether the last token that was in place is the first of an item, read as the name of an assignment."""
    before = mistake.failure.previous
    begins = before <= 0 or mistake.tokens[before - 1][0] in ("LBRACE", "COMMA", NEWLINE)
    return begins and "EQUAL" in mistake.failure.expected


def _item_word(mistake: Mistake) -> str:
    """The word that begins the item around the mistake, if it was read as a name and the mistake stands behind it."""
    word = mistake.text(mistake.previous)
    return word if word in _ALL_ITEMS and _begins_item(mistake) else ""


def _unclosed(mistake: Mistake) -> tuple[int, int, int] | None:
    """By the indentation, the block whose brace is missing: its first token, its brace, and the token before which it
    should have ended. None where the lines do not show it."""
    for block, index in _lines_in_blocks(mistake):
        column = mistake.source.position(mistake.tokens[index][1])[1]
        if block.indented is None:
            block.indented = column > block.column
        closes = mistake.tokens[index][0] == "RBRACE"
        if block.indented and (column < block.column or (column == block.column and not closes)):
            return block.head, block.brace, index
    return None


def _lines_in_blocks(mistake: Mistake) -> Iterator[tuple[Block, int]]:
    """Each token that begins a line of a block, with the innermost block that is open there."""
    tokens = mistake.tokens
    blocks: list[Block] = []
    head, parentheses = 0, 0
    for index in range(mistake.failure.index + 1):
        kind = tokens[index][0]
        if parentheses == 0 and _begins_line(mistake, index):
            if blocks:
                yield blocks[-1], index
            head = index if kind != "RBRACE" else head
        if kind == "LBRACE":
            same_line = index + 1 < len(tokens) and tokens[index + 1][0] not in (NEWLINE, END)
            blocks.append(Block(head, index, _indentation(mistake, tokens[head]), True if same_line else None))
            head = index + 1
        elif kind == "RBRACE" and blocks:
            blocks.pop()
        elif kind == "COMMA" and parentheses == 0:
            head = index + 1
        parentheses = max(0, parentheses + (kind in ("LPAR", "LSQB")) - (kind in ("RPAR", "RSQB")))


def _begins_line(mistake: Mistake, index: int) -> bool:
    """Whether a token begins a line, and the line an item."""
    tokens = mistake.tokens
    if tokens[index][0] in (NEWLINE, END):
        return False
    return index == 0 or (
        tokens[index - 1][0] == NEWLINE and (tokens[index][0] == "RBRACE" or not _goes_on(mistake, index - 2))
    )


def _goes_on(mistake: Mistake, index: int) -> bool:
    """Whether a line that ends with the token at *index* goes on in the next."""
    kind = mistake.tokens[index][0] if index >= 0 else NEWLINE
    word = mistake.text(mistake.tokens[index]).upper() if kind == "NAME" else kind
    # Behind a brace and behind a comma an item begins, whether or not in a new line.
    return word in CONTINUES and word not in ("LBRACE", "COMMA")


def _head(mistake: Mistake, brace: int) -> int:
    """The index of the first token of the item that the block at *brace* belongs to."""
    depth = 0
    for index in range(brace - 1, -1, -1):
        kind = mistake.tokens[index][0]
        depth += (kind in ("RPAR", "RSQB")) - (kind in ("LPAR", "LSQB"))
        if depth < 0 or (depth == 0 and kind in ("LBRACE", "RBRACE", "COMMA")):
            return index + 1
        if depth == 0 and kind == NEWLINE and not _goes_on(mistake, index - 1):
            # The brace may stand alone in the line below its item.
            return index + 1 if index + 1 < brace else _head(mistake, index)
    return 0


def _indentation(mistake: Mistake, token: Token) -> int:
    """The column in which the line of *token* begins, from 1."""
    line = mistake.source.line(mistake.line(token))
    return len(line) - len(line.lstrip()) + 1


def _title(mistake: Mistake, head: int, brace: int) -> str:
    """A block by its first words: `op ADD | SUB`, `rule stem`, `default`."""
    words = mistake.tokens[head:brace]
    if words and mistake.text(words[0]) in _NAMED:
        words = words[:2]
    ends = (i for i, word in enumerate(words) if mistake.text(word) in ("when", "except") and i)
    words = words[: next(ends, len(words))]
    text = " ".join(mistake.source.text[words[0][1] : words[-1][2]].split()) if words else "{"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


# ---- a `{` that is missing


def unopened_block(mistake: Mistake) -> Explanation | None:
    """A block without its `{`: its content begins behind the statement, or in the next line."""
    failure, tokens = mistake.failure, mistake.tokens
    if "LBRACE" not in failure.expected or mistake.token[0] in (END, "LBRACE"):
        return None
    below = mistake.token[0] == NEWLINE
    first = failure.index + below
    if not looks_like_item(mistake, first):
        return None
    if below and not _is_below(mistake, first):
        return None
    end = mistake.previous[2]
    brace = ("LBRACE", end, end)
    head = _head(mistake, failure.index)
    title = _title(mistake, head, failure.index)
    message = f"the block of `{title}` is not opened: expected `{{` after `{mistake.text(mistake.previous)}`"
    kinds = [kind for kind, _, _ in tokens]
    if below or kinds.count("LBRACE") < kinds.count("RBRACE"):
        diagnostic = say(mistake, message, "a block begins with `{` on the line of its statement")
        return diagnostic, [*tokens[: failure.index], brace, *tokens[failure.index :]]
    # Neither brace is there: the block ends with its line.
    last = next(index for index in range(first, len(tokens)) if kinds[index] in (NEWLINE, "RBRACE", END))
    start = tokens[last - 1][2]
    content = [*tokens[first:last], ("RBRACE", start, start)]
    return say(mistake, message, "put the block into braces: `{ … }`"), [
        *tokens[:first],
        brace,
        *content,
        *tokens[last:],
    ]


def looks_like_item(mistake: Mistake, index: int) -> bool:
    """Whether an item of a block seems to begin at *index*: `name =`, `slot["key"] =`, or one of a target's words."""
    tokens = mistake.tokens
    word = mistake.text(tokens[index])
    if tokens[index][0] != "NAME":
        return False
    if word in _ALL_ITEMS:
        return True
    for kind, _, _ in tokens[index + 1 : index + 12]:
        if kind == "EQUAL":
            return True
        if kind not in ("DOT", "NAME", "LSQB", "RSQB", "STRING", "NUMBER"):
            return False
    return False


def _is_below(mistake: Mistake, first: int) -> bool:
    """Whether the next line belongs to the statement that the mistake ends: it is indented further, or, in a text
    without any indentation, it is no item of the block around."""
    head = mistake.tokens[_head(mistake, mistake.failure.index)]
    column, other = _indentation(mistake, head), _indentation(mistake, mistake.tokens[first])
    if column != other:
        return other > column
    return mistake.text(mistake.tokens[first]) not in ITEMS.get(innermost_block(mistake), ())


# ---- an item out of place


def misplaced_item(mistake: Mistake) -> Explanation | None:
    """An item of targets in a block that does not take it."""
    word = _item_word(mistake)
    here = innermost_block(mistake)
    if not word or not here or word in ITEMS.get(here, ()):
        return None
    where = "directly in a target" if here == "target" else f"in `{here}`"
    span = Span(mistake.source, *mistake.previous[1:])
    return say(mistake, f"`{word}` cannot stand {where}", where_it_stands(word, here), span), None


def where_it_stands(word: str, here: str = "") -> str:
    """A sentence: which blocks take an item that begins with *word*; empty for any other word."""
    if word not in _ALL_ITEMS:
        return ""
    blocks = [f"`{block}`" for block, items in ITEMS.items() if word in items]
    listed = blocks[0] if len(blocks) == 1 else f"{', '.join(blocks[:-1])} and {blocks[-1]}"
    sentence = f"it stands in {listed}" if here in ITEMS else f"it stands in targets, there in {listed}"
    match word, here:
        case "when", "target":
            return f"{sentence}: write `op ADD when … {{ … }}`, or `refuse when …` for the whole model"
        case "when", "model":
            return f"{sentence}; in `model` join the conditions: `refuse when … and …`"
        case "require", "target":
            return f"{sentence}: write it for one op in `op`, for the whole model in `model {{ … }}`"
        case "when", "rule":
            return f"{sentence}; the condition of a rule stands behind its pattern: `match Dense where …`"
    return sentence
