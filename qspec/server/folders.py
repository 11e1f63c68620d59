"""The specs in the folders that the editor works in, open or not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from qspec.diagnostics import Source
from qspec.syntax import read_source

MOST_FOLDERS = 10_000
"""Folders that are looked into: somebody may have opened the whole disk."""


def specs_naming(words: Iterable[str], folders: Iterable[str]) -> Iterator[Source]:
    """Every spec in *folders* and below that can be read and in whose text one of *words* occurs, each once."""
    words, seen = tuple(filter(None, words)), set[str]()
    for path in _specs(folders):
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        source = read_source(path)
        if isinstance(source, Source) and any(word in source.text for word in words):
            yield source


def _specs(folders: Iterable[str]) -> Iterator[str]:
    looked_into = 0
    for top in folders:
        for folder, inner, files in os.walk(top):
            looked_into += 1
            if looked_into > MOST_FOLDERS:
                return
            inner[:] = sorted(name for name in inner if not _is_foreign(folder, name))
            yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".qspec"))


def _is_foreign(folder: str, name: str) -> bool:
    """Whether what lies in a folder is hidden or installed there, and nobody's own."""
    installed = name in ("node_modules", "__pycache__", "site-packages")
    return installed or name.startswith(".") or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
