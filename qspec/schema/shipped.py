"""The files that come with qspec: quantizers under `std/`, capability tables under `targets/`."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial

from qspec._resources import resource
from qspec.diagnostics import Diagnostics, Source
from qspec.schema.rows import read_row
from qspec.schema.target import DeferredRows, Row, TargetDefinition
from qspec.schema.targets import read_target
from qspec.syntax import read_source
from qspec.syntax.outline import Outline


def shipped_source(path: str) -> Source | None:
    """The text of a shipped file, as `std/int8.qspec`; None if there is none of that name."""
    folder, _, name = path.partition("/")
    if folder not in ("std", "targets") or "/" in name or not (resource("specs") / folder / name).is_file():
        return None
    source = read_source(resource("specs") / folder / name)
    return Source(path, source.text) if isinstance(source, Source) else None


@cache
def shipped_targets() -> tuple[str, ...]:
    """The names of the shipped capability tables."""
    return tuple(sorted(path.stem for path in (resource("specs") / "targets").glob("*.qspec")))


def is_shipped_target(source: Source, name: str) -> bool:
    """Whether *source* is the file that defines the shipped target *name*, or a copy of it: a checkout of qspec beside
    an installed one has them all."""
    shipped = resource("specs") / "targets" / f"{name}.qspec"
    if "\0" not in source.path and os.path.realpath(source.path) == os.path.realpath(shipped):
        return True
    known = shipped_source(f"targets/{name}.qspec") if name in shipped_targets() else None
    return known is not None and known.text == source.text


@cache
def shipped_target(name: str) -> TargetDefinition | None:
    """A shipped capability table, amending the one that it extends; through `host`, those behind it. None if there is
    none of that name.

    Its rows are read when they are first asked for.
    """
    if name not in shipped_targets():
        return None
    source = shipped_source(f"targets/{name}.qspec")
    if source is None:
        return None
    outline = Outline(source)
    node = outline.head()
    found = Diagnostics()
    base = shipped_target(node.base.text) if node.base is not None else None
    extended = base if node.relation == "extends" else None
    definition = read_target(node, extended, found, DeferredRows(outline.kinds, partial(_row, outline)))
    found.raise_errors()
    return replace(definition, host=base) if node.relation == "on" else definition


def _row(outline: Outline, index: int) -> Row:
    found = Diagnostics()
    row = read_row(outline.operation(index), found)
    found.raise_errors()
    return row
