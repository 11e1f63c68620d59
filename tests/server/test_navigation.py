"""Definitions, references and renaming, in one file and over several."""

from __future__ import annotations

from pathlib import Path

import pytest

from qspec.server import navigation
from qspec.server.navigation import Refused
from qspec.server.workspace import Workspace
from tests.server.views import marked

EDGE = """qspec 1
import "std/int8.qspec"
import "shared.qspec"
quantizer wide extends base { range = mse }
pattern block = Conv2D as conv -> ReLU? as act
deploy edgetpu(runtime = 14) as coral
rule stem match block as b where b.conv.filters > 8 and not b.act {
  b.conv.weights = w8
  output = wide
}
default { weights = w8, output = base }
require coral.coverage == 100%
target mine on tflite {
  option speed = 2 in 1..3
  op CONV_2D when speed > 1 { input = int8 }
}
deploy mine(speed = 3)
require mine.coverage == 100%
"""
SHARED = "qspec 1\nquantizer base { type = int8 }\nquantizer other extends base { range = mse }\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "shared.qspec").write_text(SHARED, "utf-8")
    found = Workspace()
    found.open(str(tmp_path / "edge.qspec"), EDGE)
    return found


def edge(workspace: Workspace) -> str:
    return next(iter(workspace.documents))


def at(workspace: Workspace, place: str) -> int:
    """The offset of the cursor in a piece of the text."""
    text, offset = marked(place)
    return EDGE.index(text) + offset


def lines(spans) -> list[tuple[str, int]]:
    return [(Path(span.source.path).name, span.source.position(span.start)[0]) for span in spans]


@pytest.mark.parametrize(
    ("place", "file", "line"),
    [
        ("output = wi‸de", "edge.qspec", 4),
        ("= ba‸se }\nrequire", "shared.qspec", 2),
        ("weights = w‸8\n", "int8.qspec", None),
        ("match blo‸ck", "edge.qspec", 5),
        ("b.con‸v.filters", "edge.qspec", 5),
        ("‸b.act", "edge.qspec", 7),
        ("b‸.conv.weights", "edge.qspec", 7),
        ("cor‸al.coverage", "edge.qspec", 6),
        ("edge‸tpu(runtime", "edgetpu.qspec", None),
        ("run‸time = 14", "edgetpu.qspec", None),
        ('"sha‸red.qspec"', "shared.qspec", 1),
        ('"std/‸int8.qspec"', "int8.qspec", 1),
        ("when spe‸ed", "edge.qspec", 14),
        ("mine(sp‸eed", "edge.qspec", 14),
        ("deploy mi‸ne", "edge.qspec", 13),
    ],
)
def test_definition(workspace, place, file, line):
    found = navigation.definition(workspace.analysis(edge(workspace)), at(workspace, place))

    assert file == Path(found.source.path).name
    assert Path(navigation.file_of(found.source.path)).is_file() or file == "edge.qspec"
    assert line is None or line == found.source.position(found.start)[0]


@pytest.mark.parametrize("place", ["Con‸v2D", "filt‸ers", "range‸ = mse", "‸qspec 1"])
def test_no_definition(workspace, place):
    assert None is navigation.definition(workspace.analysis(edge(workspace)), at(workspace, place))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("‸wide extends", [("edge.qspec", 4), ("edge.qspec", 9)]),
        ("act‸\ndeploy", [("edge.qspec", 5), ("edge.qspec", 7)]),
        ("extends ba‸se", [("shared.qspec", 2), ("edge.qspec", 4), ("edge.qspec", 11), ("shared.qspec", 3)]),
        ("when spe‸ed", [("edge.qspec", 14), ("edge.qspec", 15), ("edge.qspec", 17)]),
    ],
)
def test_references(workspace, place, expected):
    found = navigation.references(workspace, edge(workspace), at(workspace, place))
    others = navigation.references(workspace, edge(workspace), at(workspace, place), with_definition=False)

    assert sorted(expected) == sorted(lines(found))
    assert sorted(expected[1:]) == sorted(lines(others))


def test_references_of_a_shipped_target(workspace):
    found = navigation.references(workspace, edge(workspace), at(workspace, "edge‸tpu(run"))

    assert [("edge.qspec", 6)] == lines(span for span in found if "targets" not in span.source.path)


def test_highlights_stay_in_the_file(workspace):
    analysis = workspace.analysis(edge(workspace))

    assert [4, 11] == [line for _, line in lines(navigation.highlights(analysis, at(workspace, "extends ba‸se")))]


def test_references_from_other_open_files(workspace, tmp_path):
    shared, third = str(tmp_path / "shared.qspec"), str(tmp_path / "third.qspec")
    workspace.open(third, 'qspec 1\nimport "shared.qspec"\ndefault { output = base }\n')
    workspace.open(shared, SHARED)

    found = navigation.references(workspace, shared, SHARED.index("base"))

    assert [
        ("edge.qspec", 4),
        ("edge.qspec", 11),
        ("shared.qspec", 2),
        ("shared.qspec", 3),
        ("third.qspec", 3),
    ] == sorted(lines(found))


# ---- renaming


def renamed(workspace: Workspace, place: str, name: str) -> Refused | dict[str, str]:
    """The texts with a name changed."""
    found = navigation.rename(workspace, edge(workspace), at(workspace, place), name)
    if isinstance(found, Refused):
        return found
    texts: dict[str, str] = {}
    for span in sorted(found, key=lambda one: -one.start):
        file = Path(span.source.path).name
        text = texts.get(file, span.source.text)
        texts[file] = text[: span.start] + name + text[span.end :]
    return texts


def test_renaming_changes_every_place(workspace):
    assert {"edge.qspec": EDGE.replace("wide", "wider")} == renamed(workspace, "output = wi‸de", "wider")
    assert {"edge.qspec": EDGE.replace("conv", "first")} == renamed(workspace, "as co‸nv", "first")
    assert {"edge.qspec": EDGE.replace("speed", "rate")} == renamed(workspace, "when spe‸ed", "rate")
    assert {"edge.qspec": EDGE.replace("mine", "ours")} == renamed(workspace, "target mi‸ne", "ours")
    assert {"edge.qspec": EDGE.replace("stem", "head")} == renamed(workspace, "rule ste‸m", "head")


def test_renaming_goes_over_imported_files(workspace):
    expected = {"edge.qspec": EDGE.replace("base", "basis"), "shared.qspec": SHARED.replace("base", "basis")}

    assert expected == renamed(workspace, "extends ba‸se", "basis")


@pytest.mark.parametrize(
    ("place", "name", "reason"),
    [
        ("weights = w‸8\n", "mine", "`w8` is defined in `std/int8.qspec`, which is shipped with qspec"),
        ("edge‸tpu(run", "mine", "which is shipped with qspec"),
        ("run‸time = 14", "mine", "which is shipped with qspec"),
        ('"sha‸red.qspec"', "other", "moving the file"),
        ("Con‸v2D", "Conv3D", "a class in Python"),
        ("filt‸ers", "units", "no name that this spec defines"),
        ("wi‸de extends", "and", "a word of the language"),
        ("wi‸de extends", "float", "a word of the language"),
        ("wi‸de extends", "2fast", "is no name"),
        ("wi‸de extends", "a b", "is no name"),
        ("wi‸de extends", "w8", "a quantizer `w8` is defined already"),
        ("wi‸de extends", "other", "a quantizer `other` is defined already, in line 3"),
        ("as co‸nv", "act", "a capture `act` is defined already"),
        ("target mi‸ne", "edgetpu", "is shipped"),
    ],
)
def test_renaming_is_refused_with_a_reason(workspace, place, name, reason):
    found = renamed(workspace, place, name)

    assert isinstance(found, Refused)
    assert reason in found.reason


def test_what_another_open_file_defines_is_taken(workspace, tmp_path):
    workspace.open(str(tmp_path / "third.qspec"), 'qspec 1\nimport "shared.qspec"\nquantizer mine { type = int8 }\n')

    found = renamed(workspace, "extends ba‸se", "mine")

    assert isinstance(found, Refused)
    assert "third.qspec" in found.reason
