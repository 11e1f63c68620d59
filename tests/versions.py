"""The libraries that tables, zoos and sizes were made for; with older ones, what is held against them is left out."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest


def _older(name: str, *wanted: int) -> bool:
    try:
        found = version(name)
    except PackageNotFoundError:
        return False  # other conditions say so
    return tuple(int(part) for part in found.split(".")[: len(wanted)]) < wanted


def _needs(name: str, *wanted: int) -> pytest.MarkDecorator:
    number = ".".join(map(str, wanted))
    return pytest.mark.skipif(_older(name, *wanted), reason=f"made for {name} {number}, which this is older than")


KERAS_OF_THE_ZOOS = _needs("keras", 3, 15)
LITERT_OF_THE_TABLES = _needs("ai-edge-litert", 2, 3)
FLATBUFFERS_OF_THE_SIZES = _needs("flatbuffers", 25)
SIZES_ARE_EXACT = not _older("flatbuffers", 25)
