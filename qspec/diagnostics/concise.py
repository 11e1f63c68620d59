"""The rendering for lists and for tools that read lines: one line for each diagnostic."""

from __future__ import annotations

from qspec.diagnostics.diagnostic import Diagnostic
from qspec.diagnostics.text import printable


def concise(diagnostic: Diagnostic, color: bool = False, width: int | None = None) -> str:
    """`path:line:col: error[QS101] message`. Has no colours and is never cut: other programs read it."""
    head = f"{diagnostic.span}: {diagnostic.severity.value}[{diagnostic.code}]"
    return printable(f"{head} {diagnostic.message}")
