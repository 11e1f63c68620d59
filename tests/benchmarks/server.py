"""How soon `qspec server` says what is wrong with a spec of 1,000 lines, after each key, over its standard input and
output.

    python tests/benchmarks/server.py [--changes 30] [--lines 1000] [--model MODEL]

Without `--model` a MobileNetV2 with random weights is made first, which needs Keras. Printed are the median, the 95th
percentile and the worst of the milliseconds from sending a change to the first diagnostics of that version: once
without a model, once with one. For the latter also those until the model has answered, and those of a completion and a
hover in the middle of the file, asked right behind a change.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

PAUSE = 1.0  # seconds between changes, in which the server comes to rest


def spec_of(lines: int) -> str:
    """A spec of so many lines with a rule in every ninth: names, patterns, conditions, comments."""
    head = ["qspec 1", "", 'import "std/int8.qspec"', "", "deploy edgetpu as coral", ""]
    tail = ["default {", "  weights = w8", "  output  = a8", "}"]
    while len(head) < lines - len(tail) - 9:
        number = len(head)
        head += [
            f"quantizer wide{number} extends a8 {{",
            f"  range = percentile(99.{number})",
            "}",
            "",
            f"rule block{number} match Conv2D as conv -> BatchNormalization? -> ReLU? as act",
            f"  where conv.filters >= {number % 400} and not act {{   # number {number}",
            "  conv.weights = w8",
            f"  output = wide{number}",
            "}",
        ]
    return "\n".join([*head, *["# the end"] * (lines - len(head) - len(tail)), *tail]) + "\n"


class Editor:
    """A client that notes when diagnostics arrive, by the version of the document."""

    def __init__(self, uri: str, text: str) -> None:
        self.client = LanguageClient("benchmark", "1")
        self.uri, self.text, self.version = uri, text, 1
        self.arrived: dict[int, list[float]] = {}
        self.news = asyncio.Event()
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(self._taker())

    def _taker(self) -> Any:
        def take(params: types.PublishDiagnosticsParams) -> None:
            if params.uri == self.uri and params.version is not None:
                self.arrived.setdefault(params.version, []).append(time.perf_counter())
                self.news.set()

        return take

    async def start(self, model: str | None) -> None:
        """Begin the conversation with the document open."""
        await self.client.start_io(sys.executable, "-m", "qspec", "server")
        options = {"model": model} if model is not None else None
        await self.client.initialize_async(
            types.InitializeParams(types.ClientCapabilities(), initialization_options=options)
        )
        self.client.initialized(types.InitializedParams())
        document = types.TextDocumentItem(self.uri, "qspec", 1, self.text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        await self.published(1)
        await asyncio.sleep(2 * PAUSE)

    def type(self, line: int, character: str) -> float:
        """Type a character at the start of a line; when it was sent."""
        self.version += 1
        here = types.Position(line, 0)
        change = types.TextDocumentContentChangePartial(types.Range(here, here), character)
        document = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        sent = time.perf_counter()
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        return sent

    async def published(self, count: int) -> None:
        """Wait until diagnostics of this version have come so many times."""
        while len(self.arrived.get(self.version, ())) < count:
            self.news.clear()
            await self.news.wait()

    async def stop(self) -> None:
        """Say goodbye."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()


async def measured(text: str, changes: int, model: str | None, folder: Path) -> dict[str, list[float]]:
    """Milliseconds by what they were needed for."""
    editor = Editor((folder / "large.qspec").as_uri(), text)
    await editor.start(model)
    found: dict[str, list[float]] = {}
    for number in range(changes):
        # Every other change breaks a statement in the middle, the next mends it: `rule` after `xrule`.
        line = editor.text.split("\n").index("  conv.weights = w8") + 9 * (number % 40)
        sent = editor.type(line, " " if number % 3 else "x ")
        await editor.published(1)
        times = editor.arrived[editor.version]
        found.setdefault("first diagnostics", []).append(1000 * (times[0] - sent))
        if model is not None:
            await editor.published(2)
            found.setdefault("with the model", []).append(1000 * (editor.arrived[editor.version][1] - sent))
        await asyncio.sleep(PAUSE)
        if number % 5 == 0:
            editor.type(line, " ")
            here = {"text_document": types.TextDocumentIdentifier(editor.uri), "position": types.Position(line, 3)}
            for name, ask in (
                ("completion", editor.client.text_document_completion_async(types.CompletionParams(**here))),
                ("hover", editor.client.text_document_hover_async(types.HoverParams(**here))),
            ):
                sent = time.perf_counter()
                await ask
                found.setdefault(name, []).append(1000 * (time.perf_counter() - sent))
            await asyncio.sleep(PAUSE)
    await editor.stop()
    return found


def mobile_net(path: Path) -> Path:
    """Write MobileNetV2 as Keras has it, in a process of its own."""
    script = f"import keras; keras.applications.MobileNetV2(weights=None).save({str(path)!r})"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    return path


def main() -> None:
    """Print the milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--model", help="a .keras file; default: MobileNetV2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or str(mobile_net(folder / "mobilenet_v2.keras"))
        for what, one in (("without a model", None), ("with a model", model)):
            found = asyncio.run(measured(spec_of(arguments.lines), arguments.changes, one, folder))
            for kind, times in found.items():
                ordered = sorted(times)
                high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
                print(
                    f"{what:16} {kind:18} {statistics.median(ordered):6.0f} {high:6.0f} {ordered[-1]:6.0f} ms",
                    flush=True,
                )


if __name__ == "__main__":
    main()
