"""A whole conversation with `qspec server` over its standard input and output, as an editor leads it."""

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

from qspec._resources import resource
from qspec.syntax.formatter import formatted
from tests.server.editor import Editor, applied, editor, units
from tests.server.views import small_file

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.{LspSpecificationWarning.__name__}"
)

TEXT = """qspec 1

import "std/int8.qspec"

deploy edgetpu as coral

quantizer wide extends a8 { range = percentile(99.9) }   # 𝄞 two units of UTF-16

default {
  weights = w8
  output  = a8
}

rule first match Conv2D { output = wide }
rule last  match Dense where name == "logits" { weights = w8_tensor }

require coral.coverage == 100%
"""


@pytest.mark.parametrize("like", ["visual_studio_code", "neovim", "emacs"])
def test_a_conversation(tmp_path: Path, like: str):
    asyncio.run(conversation(tmp_path, like))


async def conversation(folder: Path, like: str) -> None:
    uri = (folder / "edge.qspec").as_uri()
    async with editor(folder, like) as one:
        await open_and_look(one, uri)
        await break_it(one, uri)
        await complete_it(one, uri)
        await fix_it(one, uri)
        await go_around(one, uri)
        await rename_it(one, uri)
        await format_it(one, uri)
        await close_it(one, uri)


async def open_and_look(one: Editor, uri: str) -> None:
    one.open(uri, TEXT)
    assert [] == await one.diagnostics(uri)
    if one.watches:
        assert types.WORKSPACE_DID_CHANGE_WATCHED_FILES in one.registered

    found = await one.client.text_document_document_symbol_async(
        types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
    )
    names = ["std/int8.qspec", "coral", "wide", "default", "first", "last", "coral.coverage == 100%"]
    assert names == [symbol.name for symbol in found]
    assert types.Range(types.Position(6, 10), types.Position(6, 14)) == found[2].selection_range

    folds = await one.client.text_document_folding_range_async(
        types.FoldingRangeParams(types.TextDocumentIdentifier(uri))
    )
    assert [(8, 11)] == [(fold.start_line, fold.end_line) for fold in folds]

    about = await one.client.text_document_hover_async(types.HoverParams(**one.at(uri, "wide }\nrule")))
    assert "| range | percentile(99.9) |" in about.contents.value
    assert types.Range(types.Position(13, 35), types.Position(13, 39)) == about.range


async def break_it(one: Editor, uri: str) -> None:
    """A name that is not there, in the line behind a character outside the basic plane."""
    one.change(uri, "# 𝄞 two", "# 𝄞𝄞 two")
    one.change(uri, "weights = w8\n", "weights = w8_tensr\n")
    (item,) = await one.diagnostics(uri, {"QS101"})
    assert types.Range(types.Position(9, 12), types.Position(9, 20)) == item.range
    assert (types.DiagnosticSeverity.Error, "qspec") == (item.severity, item.source)
    assert item.message.startswith("quantizer `w8_tensr` is not defined (not found)\nhelp: a quantizer with a")
    assert item.code_description.href.endswith("/QS101.md")

    one.change(uri, "rule first match Conv2D {", "rule first mach Conv2D {")
    items = await one.diagnostics(uri, {"QS001", "QS101"})
    assert [9, 13] == sorted(item.range.start.line for item in items if item.severity == types.DiagnosticSeverity.Error)
    # What cannot be read just now is still known.
    found = await one.client.text_document_document_symbol_async(
        types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
    )
    assert "first" in [symbol.name for symbol in found]
    one.change(uri, "first mach ", "first match ")
    await one.diagnostics(uri, {"QS101"})


async def complete_it(one: Editor, uri: str) -> None:
    asked = types.CompletionParams(**one.at(uri, "w8_tensr\n", inside=1))
    found = await one.client.text_document_completion_async(asked)
    assert ["float", "wide", "w8", "w8_tensor", "a8"] == [item.label for item in found.items]
    (chosen,) = [item for item in found.items if item.label == "w8"]
    assert types.Range(types.Position(9, 12), types.Position(9, 13)) == chosen.text_edit.range
    assert "w8" == chosen.text_edit.new_text
    assert "int8 symmetric per_channel" == chosen.detail

    # At the start of a line: the words that begin statements, `and` and the like for the line above.
    asked = types.CompletionParams(types.TextDocumentIdentifier(uri), types.Position(17, 0))
    found = await one.client.text_document_completion_async(asked)
    assert {"rule", "quantizer", "because", "and"} <= {item.label for item in found.items}
    assert types.CompletionItemKind.Keyword == found.items[0].kind


async def fix_it(one: Editor, uri: str) -> None:
    place = one.at(uri, "w8_tensr\n")["position"]
    items = await one.diagnostics(uri, {"QS101"})
    asked = types.CodeActionParams(
        types.TextDocumentIdentifier(uri), types.Range(place, place), types.CodeActionContext(items)
    )
    (action,) = await one.client.text_document_code_action_async(asked)
    assert ("write `w8_tensor`", types.CodeActionKind.QuickFix) == (action.title, action.kind)
    assert ["QS101"] == [item.code for item in action.diagnostics]
    one.edit(uri, action.edit.changes[uri])
    assert [] == await one.diagnostics(uri, set())
    assert TEXT.replace("𝄞", "𝄞𝄞").replace("weights = w8\n", "weights = w8_tensor\n") == one.texts[uri]

    # A fix that there is no doubt about is one of all that are made at once.
    one.change(uri, "# 𝄞𝄞 two units of UTF-16", "# qspec: ignore[QS903]")
    (item,) = await one.diagnostics(uri, {"QS902"})
    assert [types.DiagnosticTag.Unnecessary] == list(item.tags)
    only = types.CodeActionContext([], only=[types.CodeActionKind.SourceFixAll])
    asked = types.CodeActionParams(types.TextDocumentIdentifier(uri), types.Range(place, place), only)
    (action,) = await one.client.text_document_code_action_async(asked)
    assert types.CodeActionKind.SourceFixAll == action.kind
    one.edit(uri, action.edit.changes[uri])
    assert [] == await one.diagnostics(uri, set())
    assert "ignore" not in one.texts[uri]


async def go_around(one: Editor, uri: str) -> None:
    there = await one.client.text_document_definition_async(types.DefinitionParams(**one.at(uri, "wide }\nrule")))
    assert (uri, types.Position(6, 10)) == (there.uri, there.range.start)
    there = await one.client.text_document_definition_async(types.DefinitionParams(**one.at(uri, "w8_tensor }")))
    shipped = resource("specs") / "std" / "int8.qspec"
    assert shipped.as_uri() == there.uri
    line = shipped.read_text("utf-8").split("\n")[there.range.start.line]
    assert "w8_tensor" == line[there.range.start.character : there.range.end.character]

    asked = types.ReferenceParams(**one.at(uri, "wide }\nrule"), context=types.ReferenceContext(True))
    found = await one.client.text_document_references_async(asked)
    assert [(uri, 6), (uri, 13)] == [(each.uri, each.range.start.line) for each in found]
    found = await one.client.text_document_document_highlight_async(
        types.DocumentHighlightParams(**one.at(uri, "wide extends"))
    )
    assert [6, 13] == [each.range.start.line for each in found]


async def rename_it(one: Editor, uri: str) -> None:
    place = await one.client.text_document_prepare_rename_async(
        types.PrepareRenameParams(**one.at(uri, "wide extends"))
    )
    assert types.Range(types.Position(6, 10), types.Position(6, 14)) == place
    for word, name, reason in (
        ("w8_tensor", "mine", "`w8_tensor` is defined in `std/int8.qspec`, which is shipped with qspec"),
        ("wide extends", "and", "`and` is a word of the language and cannot be a name"),
    ):
        with pytest.raises(JsonRpcException, match=reason):
            await one.client.text_document_rename_async(types.RenameParams(**one.at(uri, word), new_name=name))

    asked = types.RenameParams(**one.at(uri, "wide extends"), new_name="wider")
    found = await one.client.text_document_rename_async(asked)
    before = one.texts[uri]
    one.edit(uri, found.changes[uri])
    assert before.replace("wide", "wider") == one.texts[uri]
    assert [] == await one.diagnostics(uri, set())


async def format_it(one: Editor, uri: str) -> None:
    from qspec.diagnostics import Source

    one.change(uri, "output  = a8", "output=a8   # 𝄞")
    one.change(uri, "\n\nrequire", "\n\n\n\n   require")
    expected = formatted(Source("edge.qspec", one.texts[uri]))
    assert expected != one.texts[uri]
    asked = types.DocumentFormattingParams(types.TextDocumentIdentifier(uri), types.FormattingOptions(2, True))
    edits = await one.client.text_document_formatting_async(asked)
    one.edit(uri, edits)
    assert expected == one.texts[uri]
    assert not await one.client.text_document_formatting_async(asked)
    assert [] == await one.diagnostics(uri, set())


async def close_it(one: Editor, uri: str) -> None:
    one.change(uri, "weights = w8_tensor\n", "weights = w9\n")
    await one.diagnostics(uri, {"QS101"})
    one.published.clear()
    one.versions.pop(uri)
    one.close(uri)
    assert [] == await one.diagnostics(uri)
    # What is not open is not known.
    asked = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(0, 0))
    assert None is await one.client.text_document_hover_async(asked)


# ---- several files, models, encodings

SPEC = """qspec 1
import "std/int8.qspec"
default { weights = w8, output = a8 }
rule a match Conv1D { weights = w8_tensor }
"""


def test_files_that_import_each_other(tmp_path: Path):
    async def talk() -> None:
        shared, main = (tmp_path / name for name in ("shared.qspec", "main.qspec"))
        shared.write_text("qspec 1\nquantizer base { type = int8 }\n", "utf-8")
        async with editor(tmp_path) as one:
            one.open(main.as_uri(), 'qspec 1\nimport "shared.qspec"\ndefault { weights = base, output = base }\n')
            assert [] == await one.diagnostics(main.as_uri())

            # What is typed in the one is seen in the other, and what is wrong in the one is told there.
            one.open(shared.as_uri(), "qspec 1\nquantizer basis { type = int8 }\n")
            items = await one.diagnostics(main.as_uri(), {"QS101"})
            assert [2, 2] == [item.range.start.line for item in items]
            one.change(shared.as_uri(), "quantizer basis { type = int8 }", "quantizer base { type = int9 }")
            assert [] == await one.diagnostics(main.as_uri(), set())
            (item,) = await one.diagnostics(shared.as_uri(), {"QS201"})
            assert types.Position(1, 24) == item.range.start

            asked = types.RenameParams(**one.at(main.as_uri(), "base,"), new_name="b8")
            changes = (await one.client.text_document_rename_async(asked)).changes
            assert {main.as_uri(): 2, shared.as_uri(): 1} == {uri: len(edits) for uri, edits in changes.items()}

            # Closed, the file counts again; a diagnostic of a file that is not open stands at that file.
            one.close(shared.as_uri())
            one.versions.pop(shared.as_uri())
            shared.write_text("qspec 1\nquantizer base { type = int7x }\n", "utf-8")
            change = types.FileEvent(shared.as_uri(), types.FileChangeType.Changed)
            one.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
            await one.diagnostics(shared.as_uri(), {"QS201"}, about="int7x")

    asyncio.run(talk())


def test_a_name_is_renamed_in_files_that_are_not_open(tmp_path: Path):
    async def talk() -> None:
        shared, main, hidden = (tmp_path / name for name in ("shared.qspec", "specs/main.qspec", ".old/main.qspec"))
        for path in (main, hidden):
            path.parent.mkdir()
            path.write_text('qspec 1\nimport "../shared.qspec"\ndefault { weights = base, output = base }\n', "utf-8")
        shared.write_text("qspec 1\nquantizer base { type = int8 }\n", "utf-8")
        async with editor(tmp_path) as one:
            one.open(shared.as_uri(), shared.read_text("utf-8"))
            here = one.at(shared.as_uri(), "base")
            with_definition = types.ReferenceContext(include_declaration=True)
            found = await one.client.text_document_references_async(types.ReferenceParams(with_definition, **here))
            assert [(shared.as_uri(), 1), (main.as_uri(), 2), (main.as_uri(), 2)] == sorted(
                (each.uri, each.range.start.line) for each in found
            )
            asked = types.RenameParams(**here, new_name="b8")
            changes = (await one.client.text_document_rename_async(asked)).changes
            assert {main.as_uri(): 2, shared.as_uri(): 1} == {uri: len(edits) for uri, edits in changes.items()}
            # What a file that is not open defines is taken.
            main.write_text('qspec 1\nimport "../shared.qspec"\nquantizer b8 extends base {}\n', "utf-8")
            with pytest.raises(
                JsonRpcException, match=r"a quantizer `b8` is defined already, in line 3 of .*main\.qspec"
            ):
                await one.client.text_document_rename_async(asked)

    asyncio.run(talk())


@pytest.mark.parametrize("way", ["initialization", "configuration"])
def test_a_model(tmp_path: Path, way: str):
    async def talk() -> None:
        model = small_file(tmp_path)
        given = {"model": "small.keras"}
        uri = (tmp_path / "edge.qspec").as_uri()
        options = {"initialization": given} if way == "initialization" else {"settings": given}
        async with editor(tmp_path, **options) as one:
            one.open(uri, SPEC)
            items = await one.diagnostics(uri, {"QS301"})
            assert [types.Position(3, 13)] == [item.range.start for item in items]
            assert "`Conv2D`" in items[0].message

            one.change(uri, "Conv1D", "Conv2D")
            await one.diagnostics(uri, set())
            asked = types.HoverParams(**one.at(uri, "a match"))
            assert "`conv`" in (await one.client.text_document_hover_async(asked)).contents.value
            one.change(uri, "Conv2D {", 'any where path == "c" {')
            asked = types.CompletionParams(**one.at(uri, '"c', inside=2))
            found = await one.client.text_document_completion_async(asked)
            assert ["image", "conv", "bn", "relu", "flatten", "logits"] == [item.label for item in found.items]

            model.unlink()
            change = types.FileEvent(model.as_uri(), types.FileChangeType.Deleted)
            one.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
            (item,) = await one.diagnostics(uri, {"QS501"})
            assert "there is no such file" in item.message
            # Without the setting there is nothing to miss.
            if way == "initialization":
                one.client.workspace_did_change_configuration(
                    types.DidChangeConfigurationParams({"qspec": {"model": ""}})
                )
                await one.diagnostics(uri, set())

    asyncio.run(talk())


def test_a_shipped_file_is_held_against_no_model(tmp_path: Path):
    async def talk() -> None:
        small_file(tmp_path)
        uri = (tmp_path / "edge.qspec").as_uri()
        async with editor(tmp_path, initialization={"model": "small.keras"}) as one:
            one.open(uri, f"{SPEC}deploy edgetpu\n")
            await one.diagnostics(uri, {"QS301"})
            for word, name in (("edgetpu", "targets/edgetpu.qspec"), ("a8 }", "std/int8.qspec")):
                there = await one.client.text_document_definition_async(types.DefinitionParams(**one.at(uri, word)))
                shipped = resource("specs") / name
                assert shipped.as_uri() == there.uri
                one.open(there.uri, shipped.read_text("utf-8"))
                assert [] == await one.diagnostics(there.uri)

            # A spec from elsewhere is held against the model of the folder that the editor works in.
            elsewhere = (tmp_path.parent / "elsewhere.qspec").as_uri()
            one.open(elsewhere, SPEC)
            await one.diagnostics(elsewhere, {"QS301"})

    asyncio.run(talk())


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
