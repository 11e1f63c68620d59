"""`qspec server`"""

from __future__ import annotations

import argparse

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import MISSING_EXTRA


def run(arguments: argparse.Namespace) -> int:
    """Serve one editor on standard input and output.

    Raises:
        SpecError: pygls is missing.
    """
    try:
        import lsprotocol  # noqa: F401  for its absence
        import pygls  # noqa: F401
    except ImportError as error:
        message = f"this needs pygls, and `{error.name}` is not installed"
        help = "pip install 'qspec[server]'"
        raise SpecError([MISSING_EXTRA.at(Place("environment"), message, help=help)]) from None
    from qspec.server.protocol import start

    return start()
