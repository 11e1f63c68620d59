"""Text to tree: `parse` never raises, whatever the text; what is wrong comes back as diagnostics."""

from __future__ import annotations

from qspec.diagnostics import Diagnostic, Source
from qspec.diagnostics.catalogue import SYNTAX_ERROR
from qspec.syntax import tree
from qspec.syntax.sources import decode, read_source
from qspec.syntax.suppressions import suppressed_codes, suppressions, without_suppressed

__all__ = ["decode", "parse", "read_source", "suppressed_codes", "suppressions", "tree", "without_suppressed"]


def parse(source: Source) -> tuple[tree.File, tuple[Diagnostic, ...]]:
    """The statements of *source* that can be read, and what is wrong with the rest, in the order of the text."""
    from qspec.syntax.lexer import lex
    from qspec.syntax.machine import machine
    from qspec.syntax.recovery import Reader, first_reported
    from qspec.syntax.sources import check_edition

    about_edition, readable = check_edition(source)
    found = [] if about_edition is None else [about_edition]
    if not readable:
        return tree.File((), source), tuple(found)
    automaton, scanner = machine()
    reader = Reader(source, automaton)
    statements = tuple(reader.read(lex(source.text, scanner)))
    found += reader.diagnostics
    found += (
        SYNTAX_ERROR.at(statement.span, "the edition is named once, in the first statement", help="remove this line")
        for statement in statements[1:]
        if isinstance(statement, tree.Edition)
    )
    found.sort(key=lambda diagnostic: getattr(diagnostic.span, "start", 0))
    return tree.File(statements, source, tuple(reader.unread)), tuple(first_reported(found))
