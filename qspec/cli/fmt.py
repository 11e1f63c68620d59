"""`qspec fmt`"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qspec.cli.folders import STANDARD_INPUT, files_of
from qspec.cli.output import complain
from qspec.diagnostics import Diagnostic, Place, Source
from qspec.diagnostics.catalogue import UNREADABLE_FILE
from qspec.syntax import decode
from qspec.syntax.formatter import FormatterBug, formatted
from qspec.syntax.sources import LARGEST, read_bytes


@dataclass(frozen=True)
class Text:
    """A text in its canonical layout, and what it was: bytes, as byte order marks and line ends are layout, too."""

    path: str
    before: bytes
    source: Source
    after: str

    @property
    def changed(self) -> bool:
        """Whether it was laid out otherwise."""
        return self.before != self.after.encode()

    def diff(self) -> Iterator[str]:
        """The lines of a unified diff."""
        import difflib

        path, before, after = self.source.path, _lines(self.source.text), _lines(self.after)
        yield from difflib.unified_diff(before, after, path, path, lineterm="")


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def run(arguments: argparse.Namespace) -> int:
    """Format every file once; 2 if one of them cannot be, 1 if `--check` or `--diff` finds one that would change."""
    counted: Counter[str] = Counter()
    for path in files_of(arguments.files):
        text = _formatted(path)
        if not isinstance(text, Text):
            _complain(text)
            counted["failed"] += 1
        elif not (arguments.check or arguments.diff):
            counted[_keep(text)] += 1
        else:
            counted["changed" if text.changed else "same"] += 1
            _show(text, arguments)
    _summarize(counted, arguments)
    if counted["failed"]:
        return 2
    return 1 if counted["changed"] and (arguments.check or arguments.diff) else 0


def _formatted(path: str) -> Text | Sequence[Diagnostic] | str:
    """The text, or why it is left as it is."""
    data = _standard_input() if path == STANDARD_INPUT else read_bytes(path)
    if isinstance(data, Diagnostic):
        return (data,)
    source = decode("<stdin>" if path == STANDARD_INPUT else path, data)
    if isinstance(source, Diagnostic):
        return (source,)
    try:
        after = formatted(source)
    except FormatterBug as error:
        return f"{error}. The file was left as it is. This is a mistake in qspec: please report it"
    return Text(path, data, source, after) if isinstance(after, str) else after


def _standard_input() -> bytes | Diagnostic:
    if sys.stdin is None:
        return UNREADABLE_FILE.at(Place("<stdin>"), "standard input is closed")
    return sys.stdin.buffer.read(LARGEST + 1)


def _keep(text: Text) -> str:
    """Write what was changed; what became of it, as it is counted."""
    if text.path == STANDARD_INPUT:
        _print(text.after)
        return "printed"
    if not text.changed:
        return "same"
    try:
        _replace(text.path, text.after.encode())
    except OSError as error:
        _complain(f"{text.path}: cannot write the file: {(error.strerror or 'no reason given').lower()}")
        return "failed"
    return "changed"


def _replace(path: str, content: bytes) -> None:
    """Write beside the file and rename, so that a failure leaves what was there. A link stays one."""
    import shutil
    import tempfile

    target = os.path.realpath(path)
    with open(target, "ab"):  # a file that may not be written must not be replaced either
        pass
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _show(text: Text, arguments: argparse.Namespace) -> None:
    if not text.changed:
        return
    if not arguments.diff:
        print(f"Would reformat: {text.source.path}")
        return
    lines = list(text.diff())
    _print("".join(f"{line}\n" for line in lines) or f"{text.source.path}: its byte order mark or its last line end\n")


def _print(text: str) -> None:
    """Print a text as it is, in UTF-8 wherever bytes can be written."""
    if sys.stdout is None:
        return
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        buffer.write(text.encode())


def _complain(problem: Sequence[Diagnostic] | str) -> None:
    if isinstance(problem, str):
        print(f"qspec fmt: {problem}", file=sys.stderr)
        return
    complain(problem)


def _summarize(counted: Counter[str], arguments: argparse.Namespace) -> None:
    if not counted:
        print("qspec fmt: there is no .qspec file in the given folders", file=sys.stderr)
        return
    only_looks = arguments.check or arguments.diff
    said = [
        _count(counted["changed"], "would be reformatted" if only_looks else "reformatted"),
        _count(counted["same"], "already formatted" if only_looks else "left unchanged"),
        _count(counted["failed"], "not formatted"),
    ]
    text = ", ".join(part for part in said if part)
    if text:
        # What is printed of standard input, and a diff, can go on through a pipe.
        print(text, file=sys.stderr if arguments.diff or STANDARD_INPUT in arguments.files else sys.stdout)


def _count(number: int, what: str) -> str:
    return f"{number} file{'s' if number != 1 else ''} {what}" if number else ""
