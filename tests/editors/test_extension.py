"""The VS Code extension starts, stops and restarts its server, also where one cannot be started."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.editors.tokens_as_parsed import CHECKOUT

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
RIGHT = ["qspec", "server"]
EXTENSION = CHECKOUT / "grammar" / "vscode"


def conversation(*commands: Any) -> dict[str, Any]:
    """What there is to see after each value of `qspec.command`, the first when the extension starts."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("extension.js")), str(EXTENSION / "extension.js")],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "" == done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("wrong", [["missing"], ["ends"], "missing"])
def test_a_server_that_cannot_be_started_is_told_once_and_the_next_is_started(wrong: Any):
    first, broken, again, mended, end = conversation(RIGHT, wrong, "restart", RIGHT)["answers"]

    assert {"running": ["qspec server"], "shown": []} == first
    for answer in (broken, again):
        assert [] == answer["running"]
        (sentence,) = answer["shown"]
        assert sentence.startswith(f"`{''.join(wrong)}` cannot be started: pip install 'qspec[server]'")
    assert {"running": ["qspec server"], "shown": []} == mended
    assert {"running": [], "shown": []} == end


def test_a_restart_leaves_one_server():
    answers = conversation(RIGHT, "restart", [".venv/bin/qspec", "server"])["answers"]

    assert [["qspec server"], ["qspec server"], [".venv/bin/qspec server"], []] == [one["running"] for one in answers]


def test_what_version_control_shows_beside_a_file_is_not_checked():
    (selector,) = conversation(RIGHT)["served"]

    assert [("qspec", "file"), ("qspec", "untitled")] == [(one["language"], one["scheme"]) for one in selector]


def test_a_workspace_that_is_not_trusted_starts_nothing_of_its_own():
    manifest = json.loads((EXTENSION / "package.json").read_text("utf-8"))

    (setting,) = manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    declared = manifest["contributes"]["configuration"]["properties"]
    assert "qspec.command" == setting
    assert RIGHT == declared[setting]["default"]
