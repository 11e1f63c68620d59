"""The canonical layout: the tokens of a text with their comments, where lines end between them, and the lines."""

from __future__ import annotations


def laid_out(text: str) -> str:
    """A text that has been parsed without errors, in its canonical layout."""
    from qspec.syntax.layout.arrange import arranged
    from qspec.syntax.layout.concrete import read
    from qspec.syntax.layout.lines import lines
    from qspec.syntax.layout.text import Text

    tokens = Text(read(text))
    return "".join(f"{line}\n" for line in lines(tokens, arranged(tokens)))
