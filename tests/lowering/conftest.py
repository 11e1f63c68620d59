"""Figures of the lowering oracle: models, ops and agreements of each test file, behind pytest's own report."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

OWN_LOWERING = "tests.lowering.own_lowering"
"""Not imported here: it takes seconds, and not every test needs it."""

Model = tuple[Any, ...]

_COMPARED: dict[str, dict[Model, list[Any]]] = defaultdict(lambda: defaultdict(list))
"""The comparisons of each model, by test file; a model is the same at another batch."""


def _comparisons() -> list[Any]:
    return getattr(sys.modules.get(OWN_LOWERING), "COMPARISONS", [])


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest) -> Iterator[None]:
    before = len(_comparisons())
    yield
    made = _comparisons()[before:]
    if made:
        given = getattr(request.node, "callspec", None)
        model = tuple(str(value) for key, value in given.params.items() if key != "batch") if given else ()
        _COMPARED[request.path.stem][model or (request.node.name,)] += made


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a line for each test file that compared files with predictions."""
    for file, models in sorted(_COMPARED.items()):
        made = [each for comparisons in models.values() for each in comparisons]
        agreeing = sum(all(each.disagreements == 0 for each in comparisons) for comparisons in models.values())
        ops = sum(each.ops for each in made)
        terminalreporter.write_line(
            f"lowering, {file}: {len(models)} models, {agreeing} agree; {len(made)} files, {ops} ops"
        )
