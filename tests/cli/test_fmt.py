"""`qspec fmt` as people and their tools run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qspec.cli import fmt, main
from qspec.syntax.formatter import FormatterBug
from tests.cli.command import qspec

UGLY = "qspec   1\ndefault{weights=w8}"
NICE = "qspec 1\ndefault { weights = w8 }\n"
WRONG = "qspec 1\ndefault { weights: w8 }\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.qspec").write_text(text)


def test_files_are_formatted_in_place_and_counted(here, capsys):
    write(a=UGLY, b=NICE, c=NICE)

    assert 0 == main(["fmt", "a.qspec", "b.qspec", "c.qspec"])
    assert ("1 file reformatted, 2 files left unchanged\n", "") == capsys.readouterr()
    assert [NICE] * 3 == [Path(f"{name}.qspec").read_text() for name in "abc"]


def test_a_folder_is_all_specs_in_it_and_below(here, capsys):
    for folder in ("specs/deep", "specs/.hidden", "specs/node_modules"):
        os.makedirs(folder)
        Path(folder, "x.qspec").write_text(UGLY)
    Path("specs", "notes.txt").write_text(UGLY)

    assert 0 == main(["fmt", "specs", "specs/deep/x.qspec", "./specs"])
    assert "1 file reformatted\n" == capsys.readouterr().out
    assert NICE == Path("specs/deep/x.qspec").read_text()
    untouched = ("specs/.hidden/x.qspec", "specs/node_modules/x.qspec", "specs/notes.txt")
    assert [UGLY] * 3 == [Path(path).read_text() for path in untouched]


def test_a_folder_without_specs_is_told(here, capsys):
    assert 0 == main(["fmt", "."])
    assert ("", "qspec fmt: there is no .qspec file in the given folders\n") == capsys.readouterr()


def test_check_writes_nothing_and_says_what_would_change(here, capsys):
    write(a=UGLY, b=NICE)

    assert 1 == main(["fmt", "--check", "a.qspec", "b.qspec"])
    expected = "Would reformat: a.qspec\n1 file would be reformatted, 1 file already formatted\n"
    assert expected == capsys.readouterr().out
    assert UGLY == Path("a.qspec").read_text()
    assert 0 == main(["fmt", "--check", "b.qspec"])
    assert "1 file already formatted\n" == capsys.readouterr().out


def test_diff_is_one_that_can_be_applied(here):
    before = "qspec   1\ndefault {\n  a = b\n  cc = d\n}\n"
    write(a=before)
    done = qspec("fmt", "--diff", "a.qspec", cwd=here)

    assert (1, "1 file would be reformatted\n") == (done.code, done.err)
    assert before == Path("a.qspec").read_text()
    assert done.out.startswith("--- a.qspec\n+++ a.qspec\n@@ -1,5 +1,5 @@\n-qspec   1\n+qspec 1\n")
    if shutil.which("patch") is None:
        pytest.skip("no `patch` here")
    subprocess.run(["patch", "--quiet", "a.qspec"], input=done.out.encode(), check=True)
    assert "qspec 1\ndefault {\n  a  = b\n  cc = d\n}\n" == Path("a.qspec").read_text()


def test_standard_input_goes_to_standard_output(here):
    done = qspec("fmt", "-", cwd=here, text=b"\xef\xbb\xbfqspec 1\r\ndefault{a=b}# \xc3\xa9", PYTHONIOENCODING="ascii")

    assert (0, "qspec 1\ndefault { a = b }  # \u00e9\n", "") == (done.code, done.out, done.err)


def test_nothing_is_printed_of_standard_input_with_mistakes(here):
    done = qspec("fmt", "-", cwd=here, text=WRONG)

    assert (2, "") == (done.code, done.out)
    assert "error[QS001]: expected `=` after `weights`, found `:`\n --> <stdin>:2:18\n" in done.err


def test_check_of_standard_input(here):
    assert (1, "Would reformat: <stdin>\n") == _code_and_out(qspec("fmt", "--check", "-", cwd=here, text=UGLY))
    assert (0, "") == _code_and_out(qspec("fmt", "--check", "-", cwd=here, text=NICE))


def _code_and_out(done):
    return done.code, done.out


def test_a_file_with_mistakes_is_left_and_the_others_are_formatted(here, capsys):
    write(a=WRONG, b=UGLY)

    assert 2 == main(["fmt", "a.qspec", "nowhere.qspec", "b.qspec"])
    out, err = capsys.readouterr()
    assert "1 file reformatted, 2 files not formatted\n" == out
    assert "a.qspec:2:18" in err
    assert "`nowhere.qspec` does not exist" in err
    assert [WRONG, NICE] == [Path(f"{name}.qspec").read_text() for name in "ab"]


@pytest.mark.parametrize("content", [b"\xff\xfeq\0", b"a\0b", b"x" * 600_000, b"qspec 2\n", b"caf\xe9\n"])
def test_what_is_no_spec_stays_byte_for_byte(here, capsys, content):
    Path("a.qspec").write_bytes(content)

    assert 2 == main(["fmt", "a.qspec"])
    assert content == Path("a.qspec").read_bytes()
    assert "1 file not formatted\n" == capsys.readouterr().out


def test_byte_order_mark_and_windows_line_ends_go(here, capsys):
    Path("a.qspec").write_bytes(b"\xef\xbb\xbf" + NICE.encode())
    Path("b.qspec").write_bytes(NICE.replace("\n", "\r\n").encode())

    assert 1 == main(["fmt", "--diff", "a.qspec"])
    assert "a.qspec: its byte order mark or its last line end\n" == capsys.readouterr().out
    assert 0 == main(["fmt", "a.qspec", "b.qspec"])
    assert [NICE.encode()] * 2 == [Path(f"{name}.qspec").read_bytes() for name in "ab"]


def test_rights_and_links_stay(here):
    write(a=UGLY)
    os.chmod("a.qspec", 0o640)
    os.symlink("a.qspec", "link.qspec")

    assert 0 == main(["fmt", "link.qspec"])
    assert Path("link.qspec").is_symlink()
    assert (NICE, 0o640) == (Path("a.qspec").read_text(), os.stat("a.qspec").st_mode & 0o777)


def test_what_cannot_be_written_is_left_whole(here, capsys, monkeypatch):
    def full(descriptor):
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    write(a=UGLY)
    monkeypatch.setattr(fmt.os, "fdopen", lambda descriptor, mode: full(descriptor))

    assert 2 == main(["fmt", "a.qspec"])
    assert "qspec fmt: a.qspec: cannot write the file: no space left on device\n" == capsys.readouterr().err
    assert {"a.qspec": UGLY} == {path.name: path.read_text() for path in here.iterdir()}


@pytest.mark.parametrize("option", ["--diff", "--check"])
def test_a_closed_standard_output_is_no_crash(here, capsys, monkeypatch, option):
    write(a=UGLY)
    monkeypatch.setattr("sys.stdout", None)

    assert 1 == main(["fmt", option, "a.qspec"])
    assert "Traceback" not in capsys.readouterr().err


def test_a_mistake_of_the_formatter_changes_nothing(here, capsys, monkeypatch):
    def broken(source):
        raise FormatterBug(f"{source.path}: formatting would change the meaning")

    write(a=UGLY)
    monkeypatch.setattr(fmt, "formatted", broken)

    assert 2 == main(["fmt", "a.qspec"])
    assert "a.qspec: formatting would change the meaning. The file was left as it is" in capsys.readouterr().err
    assert UGLY == Path("a.qspec").read_text()


def test_formatting_loads_neither_schema_nor_numbers_nor_a_framework(here):
    write(a=UGLY)
    script = "import sys; from qspec.cli import main\nassert main(['fmt', 'a.qspec']) == 0\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()} | set(done.stdout.split())

    assert "qspec.syntax.layout" in loaded
    assert set() == loaded & {"keras", "tensorflow", "numpy", "lark", "pydantic", "qspec.schema", "qspec.plan"}
