"""Importing Keras and TensorFlow for a command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def import_frameworks() -> None:
    """Import Keras and TensorFlow, without what their native parts log about the processor meanwhile.

    Raises:
        SpecError: they are missing, too old, or set up for something else.
    """
    with _standard_error_closed():
        import qspec.keras  # noqa: F401  for its effect


@contextmanager
def _standard_error_closed() -> Iterator[None]:
    # The lines come from C++, before and regardless of TF_CPP_MIN_LOG_LEVEL: only the descriptor stops them.
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
