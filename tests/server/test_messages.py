"""What stands in single messages: positions in every encoding, paths, diagnostics, requests that make no sense."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("pygls")
pytest.importorskip("pytest_lsp")

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pytest_lsp import LspSpecificationWarning

from tests.server.editor import applied, editor, units

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.{LspSpecificationWarning.__name__}"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_every_encoding_of_positions(tmp_path: Path, encoding: str):
    async def talk() -> None:
        line = 'require ops <= 3 because "𝄞é" # 𝄞'
        uri = (tmp_path / "edge.qspec").as_uri()
        async with editor(tmp_path, encodings=[types.PositionEncodingKind(encoding)]) as one:
            one.open(uri, f"qspec 1\n{line} ;\n")
            assert encoding == one.encoding

            def column(text: str) -> int:
                return units(text, encoding)

            # Typed behind characters of several units: `wrong` instead of the comment.
            start, end = line.index("# 𝄞"), len(line) + 2
            places = (types.Position(1, column(f"{line} ;"[:each])) for each in (start, end))
            one.texts[uri] = 'qspec 1\nrequire ops <= 3 because "𝄞é" wrong\n'
            one.versions[uri] = 2
            one.client.text_document_did_change(
                types.DidChangeTextDocumentParams(
                    types.VersionedTextDocumentIdentifier(2, uri),
                    [types.TextDocumentContentChangePartial(types.Range(*places), "wrong")],
                )
            )
            (item,) = await one.diagnostics(uri, {"QS001"})
            assert (1, column(line[:start])) == (item.range.start.line, item.range.start.character)
            assert column(line[:start]) + 5 == item.range.end.character

    asyncio.run(talk())


def test_what_a_diagnostic_carries(tmp_path: Path):
    async def talk() -> None:
        uri = (tmp_path / "edge.qspec").as_uri()
        text = "qspec 1\nquantizer a { type = int8 }\nquantizer a { type = int4 }\ndeploy nnapi\n"
        async with editor(tmp_path) as one:
            one.open(uri, f"{text}default {{ weights = a, output = a }}\n")
            items = await one.diagnostics(uri, {"QS104", "QS408"})
            twice, deprecated = sorted(items, key=lambda item: item.code)
            (first,) = twice.related_information
            assert ("first defined here", uri) == (first.message, first.location.uri)
            assert types.Range(types.Position(1, 10), types.Position(1, 11)) == first.location.range
            assert ([types.DiagnosticTag.Deprecated], types.DiagnosticSeverity.Warning) == (
                list(deprecated.tags),
                deprecated.severity,
            )
            for item in items:
                assert Path(uris.to_fs_path(item.code_description.href)).read_text("utf-8").startswith(f"# {item.code}")

    asyncio.run(talk())


def test_paths_that_are_written_otherwise_in_uris(tmp_path: Path):
    async def talk() -> None:
        folder = tmp_path / "spécs & more 𝄞"
        folder.mkdir()
        shared = folder / "shared #1.qspec"
        shared.write_text("qspec 1\nquantizer base { type = int8 }\n", "utf-8")
        uri = (folder / "edge.qspec").as_uri()
        async with editor(folder) as one:
            one.open(uri, 'qspec 1\nimport "shared #1.qspec"\ndefault { weights = base, output = base }\n')
            assert [] == await one.diagnostics(uri)
            there = await one.client.text_document_definition_async(types.DefinitionParams(**one.at(uri, "base,")))
            assert shared.as_uri() == there.uri

            # Opened, it is the same file, so that renaming changes it once.
            one.open(there.uri, shared.read_text("utf-8"))
            await one.diagnostics(there.uri)
            asked = types.RenameParams(**one.at(there.uri, "base"), new_name="b8")
            changes = (await one.client.text_document_rename_async(asked)).changes
            assert {uri: 2, there.uri: 1} == {each: len(edits) for each, edits in changes.items()}

            # A text that is not saved anywhere has a name of its own.
            unsaved = "untitled:Untitled-1"
            one.open(unsaved, "qspec 1\ndefault { weights = base }\n")
            await one.diagnostics(unsaved, {"QS101"})

    asyncio.run(talk())


def test_requests_that_make_no_sense(tmp_path: Path):
    """No request ends the conversation, whatever it asks of which text."""

    async def talk() -> None:
        uri = (tmp_path / "edge.qspec").as_uri()
        texts = ["", "\n", "rule", "\r\r\n\u2028x", "{{{{", '"', "qspec 2\n", "qspec 1\ntarget t on t { op", "\ud834"]
        async with editor(tmp_path) as one:
            one.open(uri, "")
            for number, text in enumerate(texts):
                one.versions[uri] = number + 2
                change = types.TextDocumentContentChangeWholeDocument(text.encode("utf-8", "replace").decode())
                document = types.VersionedTextDocumentIdentifier(number + 2, uri)
                one.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
                await one.diagnostics(uri)
                for place in (types.Position(0, 0), types.Position(0, 9), types.Position(99, 99)):
                    here = {"text_document": types.TextDocumentIdentifier(uri), "position": place}
                    await one.client.text_document_hover_async(types.HoverParams(**here))
                    await one.client.text_document_completion_async(types.CompletionParams(**here))
                    await one.client.text_document_definition_async(types.DefinitionParams(**here))
                    asked = types.ReferenceParams(**here, context=types.ReferenceContext(True))
                    await one.client.text_document_references_async(asked)
                    with pytest.raises(JsonRpcException):
                        await one.client.text_document_rename_async(types.RenameParams(**here, new_name="x"))
                document_alone = types.TextDocumentIdentifier(uri)
                await one.client.text_document_document_symbol_async(types.DocumentSymbolParams(document_alone))
                await one.client.text_document_folding_range_async(types.FoldingRangeParams(document_alone))

    asyncio.run(talk())


def test_edits_are_applied_as_an_editor_does():
    """The editor of these tests, too, must be right about what an edit means."""
    place = types.Range(types.Position(0, 3), types.Position(1, 1))

    assert "𝄞aXd" == applied("𝄞ab\ncd", [types.TextEdit(place, "X")], "utf-16")
    assert "𝄞abXd" == applied("𝄞ab\ncd", [types.TextEdit(place, "X")], "utf-32")
