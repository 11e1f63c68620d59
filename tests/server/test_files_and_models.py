"""A server that is asked of several files, open and closed, and of a model beside them."""

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
from tests.server.editor import editor
from tests.server.views import small_file

pytestmark = pytest.mark.filterwarnings(
    f"error::{LspSpecificationWarning.__module__}.{LspSpecificationWarning.__name__}"
)


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
