"""The files that `check` and `fmt` are given: files, and the specs in folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

STANDARD_INPUT = "-"
_NOT_ENTERED = frozenset({"node_modules", "__pycache__", "venv"})  # and folders whose names begin with a dot


def files_of(paths: Sequence[str]) -> Iterator[str]:
    """The files that are meant, each once; of folders the `.qspec` files in them and below."""
    seen: set[str] = set()
    for path in paths:
        for file in _below(path) if path != STANDARD_INPUT and os.path.isdir(path) else (path,):
            real = file if file == STANDARD_INPUT else os.path.realpath(file) if "\0" not in file else file
            if real not in seen:
                seen.add(real)
                yield file


def _below(folder: str) -> Iterator[str]:
    """The specs in *folder*, and the folders below that cannot be listed: whoever reads those will say why."""
    closed: list[str] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NOT_ENTERED)
        yield from (os.path.normpath(os.path.join(place, name)) for name in sorted(files) if name.endswith(".qspec"))
    yield from closed
