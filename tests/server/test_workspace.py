"""Open texts before files, files before memory, and nothing read twice for nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qspec.diagnostics import Severity
from qspec.server.workspace import Workspace
from tests.graph.keras_configs import archive, conv_2d, functional, inputs, small_model, tensor
from tests.server.views import small_file

MAIN = 'qspec 1\nimport "parts.qspec"\ndefault { weights = mine, output = mine }\n'


@pytest.fixture
def main(tmp_path: Path) -> str:
    (tmp_path / "parts.qspec").write_text("qspec 1\nquantizer mine { type = int8 }\n", "utf-8")
    return str(tmp_path / "main.qspec")


def errors(workspace: Workspace, path: str) -> list[str]:
    return [item.code for item in workspace.analysis(path).diagnostics if item.severity is Severity.ERROR]


def touch(path: Path, text: str) -> None:
    """Write a file so that it is seen as changed, however coarse the clock of the file system is."""
    path.write_text(text, "utf-8")
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


def test_an_import_is_read_from_disk_until_it_is_open(main, tmp_path):
    workspace, parts = Workspace(), tmp_path / "parts.qspec"
    workspace.open(main, MAIN)
    assert [] == errors(workspace, main)

    workspace.open(str(parts), "qspec 1\nquantizer yours { type = int8 }\n")
    assert ["QS101", "QS101"] == errors(workspace, main)

    workspace.close(str(parts))
    assert [] == errors(workspace, main)

    touch(parts, "qspec 1\n")
    assert ["QS101", "QS101"] == errors(workspace, main)

    parts.unlink()
    assert ["QS102"] == errors(workspace, main)

    touch(parts, "qspec 1\nquantizer mine { type = int8 }\n")
    assert [] == errors(workspace, main)


def test_a_text_that_did_not_change_is_not_read_again(main):
    workspace = Workspace()
    workspace.open(main, MAIN)

    first = workspace.analysis(main)
    workspace.open(main, MAIN)

    assert first is workspace.analysis(main)


def test_an_import_that_did_not_change_keeps_its_tree(main, tmp_path):
    workspace, parts = Workspace(), str(tmp_path / "parts.qspec")
    workspace.open(main, MAIN)
    before = workspace.analysis(main).files.files[parts]

    workspace.open(main, MAIN + "# more\n")

    assert before is workspace.analysis(main).files.files[parts]


def test_a_link_to_an_open_file_is_that_file(main, tmp_path):
    workspace, link = Workspace(), tmp_path / "link.qspec"
    link.symlink_to(tmp_path / "parts.qspec")
    workspace.open(main, MAIN.replace("parts", "link"))
    assert [] == errors(workspace, main)
    # A link has another name: what counts is where it leads.
    (tmp_path / "elsewhere").mkdir()
    again = tmp_path / "elsewhere" / "parts.qspec"
    again.symlink_to(tmp_path / "parts.qspec")
    workspace.open(str(again), "qspec 1\n")
    workspace.open(main, MAIN)

    assert ["QS101", "QS101"] == errors(workspace, main)


def test_the_last_good_tree_stays(main):
    workspace = Workspace()
    workspace.open(main, MAIN)
    good = workspace.analysis(main)
    workspace.open(main, MAIN + "rule a mach {\n")

    assert good is not workspace.analysis(main)
    assert good is workspace.documents[main].last_good


def test_files_that_import_it(main, tmp_path):
    workspace, parts, other = Workspace(), str(tmp_path / "parts.qspec"), str(tmp_path / "other.qspec")
    for path, text in ((main, MAIN), (other, "qspec 1\n")):
        workspace.open(path, text)
        workspace.analysis(path)

    assert [main] == list(workspace.importing(parts))
    assert [other] == list(workspace.importing(other))


def test_a_model_that_changes_is_read_again(main, tmp_path):
    workspace, model = Workspace(), small_file(tmp_path)
    workspace.open(main, 'qspec 1\nimport "std/int8.qspec"\nrule a match Dense { weights = w8 }\n')

    def codes() -> list[str]:
        return [item.code for item in workspace.check(workspace.analysis(main), str(model)).diagnostics]

    assert "QS301" not in codes()
    layers = [inputs("image", 8, 8, 3), conv_2d("conv", tensor("image"))]
    archive(model, functional("small", layers, [["image", 0, 0]], [["conv", 0, 0]]))
    os.utime(model, ns=(0, 0))
    assert "QS301" in codes()
    model.unlink()
    assert "QS501" in codes()
    archive(model, small_model())
    assert "QS301" not in codes()


@pytest.mark.parametrize(
    ("text", "code"),
    [("qspec 2\n", "QS002"), ("qspec 1\n\0", "QS004"), ("# " + "x" * 2**19, "QS004"), ("qspec 1\n\udce9", "QS001")],
)
def test_a_text_that_cannot_be_read_is_told(main, text, code):
    workspace = Workspace()
    workspace.open(main, text)

    assert code in errors(workspace, main)
    assert workspace.analysis(main).report.diagnostics


def test_a_byte_order_mark_moves_nothing(main):
    workspace = Workspace()
    workspace.open(main, "\ufeffqspec 1\ndefault { weights = none8 }\n")

    (item,) = [item for item in workspace.analysis(main).diagnostics if item.severity is Severity.ERROR]

    assert 29 == item.span.start
