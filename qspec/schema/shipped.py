"""The files that come with qspec: quantizers under `std/`, capability tables under `targets/`."""

from __future__ import annotations

from functools import cache, partial

from qspec._resources import resource
from qspec.diagnostics import Diagnostics, Source
from qspec.schema.target import DeferredRows, Row, TargetDefinition
from qspec.schema.targets import read_target
from qspec.syntax import parse, read_source, tree
from qspec.syntax.outline import parse_outline


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


@cache
def shipped_target(name: str) -> TargetDefinition | None:
    """A shipped capability table and, through `host`, those behind it; None if there is none of that name.

    Its rows are read when they are first asked for.
    """
    if name not in shipped_targets():
        return None
    source = shipped_source(f"targets/{name}.qspec")
    if source is None:
        return None
    node = _target_in(parse_outline(source))
    found = Diagnostics()
    definition = read_target(node, None, found)
    found.raise_errors()
    host = shipped_target(node.base.text) if node.base is not None else None
    return TargetDefinition(
        **{**vars(definition), "rows": DeferredRows(partial(_rows, source)), "host": host},
    )


def _rows(source: Source) -> tuple[Row, ...]:
    file, diagnostics = parse(source)
    found = Diagnostics([*diagnostics])
    definition = read_target(_target_in(file), None, found)
    found.raise_errors()
    return tuple(definition.rows)


def _target_in(file: tree.File) -> tree.Target:
    return next(statement for statement in file.statements if isinstance(statement, tree.Target))
