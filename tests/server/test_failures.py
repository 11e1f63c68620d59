"""A feature that fails answers nothing, the failure is logged, and the conversation goes on."""

from __future__ import annotations

import logging

import pytest

pytest.importorskip("pygls")

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from qspec.server.protocol import Server, _guarded, _is_failure
from qspec.server.text import Text

HOVER = types.HoverParams(types.TextDocumentIdentifier("file:///edge.qspec"), types.Position(0, 0))


def failing(server: Server, params: types.HoverParams) -> None:
    raise ZeroDivisionError("in a feature")


def refusing(server: Server, params: types.HoverParams) -> None:
    raise JsonRpcException("no name stands here", code=-32803)


@pytest.fixture
def server() -> Server:
    found = Server()
    found.texts["/edge.qspec"] = Text("qspec 1\n")
    sent: list[types.LogMessageParams] = []
    found.window_log_message = sent.append
    found.sent = sent
    return found


def test_a_failure_is_logged_and_answers_nothing(server, caplog):
    with caplog.at_level(logging.ERROR, "qspec.server"):
        assert None is _guarded(server, "textDocument/hover", failing)(HOVER)

    (message,) = server.sent
    assert types.MessageType.Error == message.type
    assert message.message.startswith("textDocument/hover")
    assert "ZeroDivisionError: in a feature" in message.message


def test_a_refusal_reaches_the_editor_and_is_no_failure(server):
    with pytest.raises(JsonRpcException, match="no name stands here") as caught:
        _guarded(server, "textDocument/rename", refusing)(HOVER)

    record = logging.LogRecord("x", logging.ERROR, "x", 1, "x", (), (caught.type, caught.value, None))
    assert not _is_failure(record)
    assert [] == server.sent


def test_a_document_that_is_not_open_is_not_asked(server):
    server.texts.clear()

    assert None is _guarded(server, "textDocument/hover", failing)(HOVER)
    assert [] == server.sent
