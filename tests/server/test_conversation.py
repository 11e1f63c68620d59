"""A whole conversation with `qspec server` over its standard input and output, as an editor leads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("pygls")
pytest.importorskip("pytest_lsp")

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import LspSpecificationWarning

from qspec._resources import resource
from qspec.syntax.formatter import formatted
from tests.server.editor import Editor, editor

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
