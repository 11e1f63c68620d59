"""`qspec server`"""

from __future__ import annotations

import argparse
import sys

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import MISSING_EXTRA


def run(arguments: argparse.Namespace) -> int:
    """Serve one editor on standard input and output.

    Raises:
        SpecError: pygls is missing.
    """
    try:
        import lsprotocol  # noqa: F401  for its absence
        import pygls  # noqa: F401  as above
    except ImportError as error:
        message = f"this needs pygls, and `{error.name}` is not installed"
        help = "pip install 'qspec[server]'"
        raise SpecError([MISSING_EXTRA.at(Place("environment"), message, help=help)]) from None
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        return 2  # nobody can be told, and nobody can talk to it
    if sys.stdin.isatty():
        print("qspec server: an editor starts this and talks to it; see grammar/editors.md", file=sys.stderr)
    from qspec.server.protocol import start

    return start()
