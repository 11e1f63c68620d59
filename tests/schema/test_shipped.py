"""The shipped tables, read row by row as they are asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qspec._resources import resource
from qspec.diagnostics import Diagnostics, Source, Span
from qspec.schema import load, shipped_target, shipped_targets
from qspec.schema.rows import read_row
from qspec.schema.target import Row
from qspec.syntax import parse, tree


@pytest.mark.parametrize("name", shipped_targets())
def test_rows_read_one_by_one_are_those_of_the_whole_table(name: str):
    text = (resource("specs") / "targets" / f"{name}.qspec").read_text("utf-8")
    file, diagnostics = parse(Source(f"targets/{name}.qspec", text))
    (whole,) = (statement for statement in file.statements if isinstance(statement, tree.Target))
    operations = [item for item in whole.items if isinstance(item, tree.Operation)]
    found = Diagnostics()
    expected = [*kept_rows(whole), *(read_row(operation, found) for operation in operations)]
    target = shipped_target(name)

    assert [] == [*diagnostics, *found.items]
    assert [described(row) for row in expected] == [described(row) for row in target.rows]
    for kind in {kind for row in expected for kind in row.kinds}:
        mine = [described(row) for row in expected if kind in row.kinds]
        assert mine == [described(row) for row in target.rows_naming(kind)]


def kept_rows(target: tree.Target) -> list[Row]:
    """The rows that an extending target takes over."""
    if target.relation != "extends":
        return []
    replaced = [item.kinds for item in target.items if isinstance(item, tree.Operation | tree.Without)]
    removed = {name.text for kinds in replaced for name in kinds}
    rows = [
        replace(row, kinds=tuple(kind for kind in row.kinds if kind not in removed))
        for row in shipped_target(target.base.text).rows
    ]
    return [row for row in rows if row.kinds]


def described(value: Any) -> Any:
    """Plain data with the offsets of spans: two readings of a text have sources and nodes of their own."""
    match value:
        case Span():
            return value.start, value.end
        case tuple():
            return tuple(described(item) for item in value)
        case tree.Node():
            return type(value).__name__, *map(described, vars(value).values())
        case Source():
            return None
    return described(tuple(vars(value).values())) if hasattr(value, "__dict__") else value


@pytest.mark.parametrize("name", shipped_targets())
def test_a_copy_of_a_shipped_table_can_be_checked_and_an_edited_one_needs_another_name(name: str, tmp_path: Path):
    copy = tmp_path / f"{name}.qspec"
    copy.write_text((resource("specs") / "targets" / copy.name).read_text("utf-8"), "utf-8")
    untouched = load(copy)[1]
    copy.write_text(copy.read_text("utf-8") + "# mine\n", "utf-8")

    assert ((), ["QS104"]) == (untouched, [item.code for item in load(copy)[1]])
