"""Printing diagnostics: where to, with colour or without, in which format."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from qspec.diagnostics import Diagnostic


def colored() -> bool:
    """Whether standard output is a terminal that wants colour. `NO_COLOR` (https://no-color.org) forbids it, and
    `FORCE_COLOR` asks for it where there is no terminal, as in the logs of CI; the first of the two wins."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (_terminal() and os.environ.get("TERM") != "dumb")


def width() -> int | None:
    """The terminal's width; None where there is no terminal."""
    if not _terminal():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def _terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def print_diagnostics(diagnostics: Sequence[Diagnostic], format_: str = "full") -> None:
    """Print *diagnostics* and a line that counts them."""
    from qspec.diagnostics.render import RENDERERS

    print(RENDERERS[format_](diagnostics, colored(), width()))


def complain(diagnostics: Sequence[Diagnostic]) -> None:
    """Print *diagnostics* to standard error: of a command whose output is something else."""
    from qspec.diagnostics.render import RENDERERS

    print(RENDERERS["full"](diagnostics, colored() and sys.stderr.isatty(), None), file=sys.stderr)


def wrong_usage(command: str, message: str) -> int:
    """Say what is wrong with the arguments of a command, and its exit status."""
    print(f"qspec {command}: {message}", file=sys.stderr)
    return 2
