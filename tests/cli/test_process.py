"""`qspec` as a process: exit codes, streams, the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import qspec as package
from qspec.cli import main
from tests.cli.command import GOOD, qspec
from tests.graph.keras_configs import archive, small_model

# More than a pipe or a buffer holds.
MANY = "qspec 1\n" + "".join(f"rule r{number} match Dense {{ weights = w9 }}\n" for number in range(2000))


def test_the_console_command_and_the_module_are_the_same(tmp_path):
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="qspec")

    assert main is command.load()
    assert (0, f"qspec {package.__version__}\n", "") == tuple(vars(qspec("--version", cwd=tmp_path)).values())


@pytest.mark.parametrize(
    "command",
    [[], ["check"], ["fmt"], ["quantize"], ["verify"], ["targets"], ["explain"], ["schema"], ["server"], ["demo"]],
)
def test_help_of_every_command(tmp_path, command):
    done = qspec(*command, "--help", cwd=tmp_path)

    assert 0 == done.code
    assert done.out.startswith(" ".join(["usage: qspec", *command]))
    assert "" == done.err


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["frobnicate"], ["check"], ["check", "a.qspec", "--format", "xml"], ["check", "a.qspec", "--frob"],
        ["quantize", "a.qspec"], ["verify", "a.tflite"], ["demo", "--seed", "many"],
    ],
)  # fmt: skip
def test_wrong_usage_is_2(tmp_path, arguments):
    done = qspec(*arguments, cwd=tmp_path)

    assert 2 == done.code
    assert "" == done.out
    assert done.err.startswith("usage: qspec")
    assert "Traceback" not in done.err


def test_a_spec_comes_through_a_pipe(tmp_path):
    assert (0, "no problems\n", "") == tuple(vars(qspec("check", "-", cwd=tmp_path, text=GOOD)).values())


def test_a_byte_order_mark_and_windows_lines_come_through_a_pipe(tmp_path):
    text = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()

    assert 0 == qspec("check", "-", cwd=tmp_path, text=text).code


def test_check_imports_no_framework(tmp_path):
    archive(tmp_path / "small.keras", small_model())
    (tmp_path / "good.qspec").write_text(GOOD + "deploy edgetpu\n")
    script = (
        "import sys; from qspec.cli import main; code = main(['check', 'good.qspec', '--model', 'small.keras']);"
        "print({'keras', 'tensorflow', 'ai_edge_litert', 'numpy'} & set(sys.modules), code)"
    )
    out = subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, text=True)

    assert "set() 0" == out.splitlines()[-1]


# ---- colour


def test_no_colour_but_on_a_terminal_unless_it_is_asked_for(tmp_path):
    def shown(**environment: str) -> str:
        return qspec("check", "-", cwd=tmp_path, text="qspec 1\nrule", TERM="xterm", **environment).out

    assert "\x1b" not in shown(NO_COLOR="", FORCE_COLOR="")
    assert "\x1b" in shown(NO_COLOR="", FORCE_COLOR="1")
    assert "\x1b" not in shown(NO_COLOR="1", FORCE_COLOR="1")


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_on_a_terminal(tmp_path, environment, colours):
    pty = pytest.importorskip("pty")
    (tmp_path / "bad.qspec").write_text("qspec 1\nrule")
    reader, writer = pty.openpty()
    others = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    variables = others | {"TERM": "xterm"}
    command = [sys.executable, "-m", "qspec", "check", "bad.qspec"]
    subprocess.run(command, cwd=tmp_path, stdout=writer, env=variables | environment)
    os.close(writer)
    shown = os.read(reader, 65536).decode()
    os.close(reader)

    assert "error" in shown
    assert colours is ("\x1b[1;31m" in shown)


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_nothing_is_wider_than_the_terminal(tmp_path, columns):
    pty = pytest.importorskip("pty")
    archive(tmp_path / "small.keras", small_model())
    target = "target npu on tflite { op ADD { input = int8 } }\ndeploy npu\ndeploy nnapi\n"
    (tmp_path / "edge.qspec").write_text(GOOD + target + "rule gone match Conv3D { weights = w8 }\n")
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "qspec", "check", "edge.qspec", "--model", "small.keras"]
    subprocess.run(command, cwd=tmp_path, stdout=writer, env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"})
    os.close(writer)
    shown = os.read(reader, 65536).decode().splitlines()
    os.close(reader)

    assert any("warning[QS301]" in line for line in shown)
    assert any("on tflite: " in line for line in shown)
    assert max(map(len, shown)) <= columns


# ---- streams that end or cannot hold what is written


@pytest.mark.parametrize("form", ["full", "concise", "json", "sarif", "github"])
@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_may_close_the_pipe(tmp_path, form, lines):
    (tmp_path / "many.qspec").write_text(MANY)
    command = [sys.executable, "-m", "qspec", "check", "many.qspec", "--format", form]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()

    assert b"" == error
    assert 1 == process.returncode


@pytest.mark.parametrize("text", ["qspec 1\nrule", MANY])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path, text):
    (tmp_path / "bad.qspec").write_text(text)
    command = [sys.executable, "-m", "qspec", "check", "bad.qspec"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)

    assert (1, "qspec: the output cannot be written: no space left on the device\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_crash(tmp_path, closed):
    (tmp_path / "bad.qspec").write_text("qspec 1\nrule")
    command = f'"{sys.executable}" -m qspec check bad.qspec {closed}'
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)

    assert 1 == done.returncode
    assert "" == done.stderr


def test_an_output_of_another_encoding_is_no_crash(tmp_path):
    text = 'qspec 1\nrule a match Dense where name == "é→𝄞" { weights = w9 }\n'
    done = qspec("check", "-", cwd=tmp_path, text=text, PYTHONIOENCODING="ascii")

    assert 1 == done.code
    assert r"\xe9\u2192\U0001d11e" in done.out
    assert "" == done.err


def test_a_path_that_is_no_text_is_no_crash(tmp_path):
    name = os.fsdecode(b"b\xffd.qspec")
    try:
        (tmp_path / name).write_text("qspec 1\nrule")
    except OSError:
        pytest.skip("this file system takes no such name")
    for form in ("full", "concise", "json"):
        done = qspec("check", name, "--format", form, cwd=tmp_path)

        assert (1, "") == (done.code, done.err)
    assert name == json.loads(done.out)["diagnostics"][0]["path"]
