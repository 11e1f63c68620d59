"""`qspec server` as a process: how it ends, and that nothing gets among its messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pygls")

from tests.cli.command import qspec

COMMAND = [sys.executable, "-m", "qspec", "server"]


def message(content: str) -> bytes:
    return f"Content-Length: {len(content)}\r\n\r\n{content}".encode()


def test_it_ends_when_the_editor_is_gone(tmp_path: Path):
    done = qspec("server", cwd=tmp_path)

    assert (1, "", "") == (done.code, done.out, done.err)


def test_it_ends_well_when_the_editor_says_goodbye(tmp_path: Path):
    initialize = (
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": null}}'
    )
    shutdown = '{"jsonrpc": "2.0", "id": 2, "method": "shutdown"}'
    leave = '{"jsonrpc": "2.0", "method": "exit"}'
    done = qspec("server", cwd=tmp_path, text=b"".join(map(message, (initialize, shutdown, leave))))

    assert (0, "") == (done.code, done.err)
    assert 2 == done.out.count("Content-Length: ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed(tmp_path: Path, closed: str):
    command = f"{sys.executable} -m qspec server {closed}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )

    assert 2 == done.returncode
    assert b"Traceback" not in done.stderr
