"""Files to texts, and the edition that a text is written in."""

from __future__ import annotations

import os
import re

from qspec.diagnostics import Diagnostic, Edit, Fix, Place, Source, Span
from qspec.diagnostics.catalogue import MISSING_EDITION, UNKNOWN_EDITION, UNREADABLE_FILE
from qspec.diagnostics.similar_file import similar_file

EDITION = 1
LARGEST = 2**19  # bytes; more than ten thousand lines

_BLANK = r"(?:[ \t\f\r\n]+|\#[^\n]*)*+"
_FIRST_STATEMENT = re.compile(rf"{_BLANK}(qspec\b[ \t]*([^\s\#]*)|[^\s\#]\S*)?")


def read_source(path: str | os.PathLike[str]) -> Source | Diagnostic:
    """The text of a file, or why it cannot be read."""
    name = os.fspath(path)
    data = read_bytes(name)
    return data if isinstance(data, Diagnostic) else decode(name, data)


def read_bytes(name: str) -> bytes | Diagnostic:
    """The content of a file, as much of it as `decode` looks at, or why it cannot be read."""
    try:
        with open(name, "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        return UNREADABLE_FILE.at(Place(name), _why_unreadable(name, error), help=_remedy(name, error))
    except ValueError:  # a NUL byte in the path
        return UNREADABLE_FILE.at(Place(name), f"`{name!r}` is no path", help="give the path of a .qspec file")


def decode(name: str, data: bytes) -> Source | Diagnostic:
    """The text of *data*: at most `LARGEST` bytes of UTF-8, with or without a byte order mark, without NUL."""
    if len(data) > LARGEST:
        message = f"`{name}` is larger than {LARGEST // 2**10} KiB"
        hint = "a spec is a text that people write: give the path of one"
        return UNREADABLE_FILE.at(Place(name), message, help=hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder counts from behind the byte order mark.
        return _no_utf_8(name, data, error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0))
    if "\0" in text:
        offset = text.index("\0")
        span = Span(Source(name, text), offset, offset + 1)
        message = f"`{name}` holds a NUL character, in line {span.source.position(offset)[0]}"
        return UNREADABLE_FILE.at(span, message, help="remove it: a spec is a text")
    return Source(name, text)


def _no_utf_8(name: str, data: bytes, wrong: int) -> Diagnostic:
    """Points at the first byte that is none, or at the file as a whole if it does not look like a text at all."""
    line = data.count(b"\n", 0, wrong) + 1
    message = f"`{name}` is not UTF-8: the byte 0x{data[wrong]:02X} at offset {wrong}, in line {line}"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return UNREADABLE_FILE.at(Place(name), f"`{name}` is UTF-16", help="save the file as UTF-8")
    if b"\0" in data:
        return UNREADABLE_FILE.at(Place(name), message, help="give a text: this looks like a binary file")
    offset = len(data[:wrong].decode("utf-8-sig"))
    span = Span(Source(name, data.decode("utf-8-sig", "replace")), offset, offset + 1)
    return UNREADABLE_FILE.at(span, message, help="save the file as UTF-8")


def check_edition(source: Source) -> tuple[Diagnostic | None, bool]:
    """What is to be said about the edition, and whether the text can be read on."""
    match = _FIRST_STATEMENT.match(source.text)
    start, end = match.span(1) if match is not None and match.group(1) is not None else (0, 0)
    edition = match.group(2) if match is not None else None
    if edition is None:
        message = "the file does not say which edition of qspec it is written in"
        first = Edit(Span(source, 0, 0), f"qspec {EDITION}\n" + ("\n" if source.text.strip() else ""))
        fix = Fix(f"begin with `qspec {EDITION}`", (first,))
        return MISSING_EDITION.at(Span(source, start, end), message, help=_FORM, fix=fix), True
    if edition == str(EDITION):
        return None, True
    if edition.isdigit():
        number = edition if len(edition) < 20 else edition[:20] + "…"
        message = f"the file is written in edition {number} of qspec, this release reads edition {EDITION}"
        hint = "install a newer release: `pip install --upgrade qspec`" if int(number.rstrip("…")) else _FORM
        return UNKNOWN_EDITION.at(Span(source, end - len(edition), end), message, help=hint), False
    span = Span(source, start, max(end, start + len("qspec")))
    message = f"expected the number of an edition after `qspec`, found `{edition[:20]}`" if edition else _NUMBER
    return UNKNOWN_EDITION.at(span, message, help=_FORM), False


_NUMBER = "expected the number of an edition after `qspec`"
_FORM = f"begin the file with `qspec {EDITION}`"


def _why_unreadable(name: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"`{name}` does not exist"
    # Where a system refuses to open any directory (Windows), that is no matter of this one's rights.
    if isinstance(error, IsADirectoryError) or (os.path.isdir(name) and os.access(name, os.R_OK)):
        return f"`{name}` is a directory"
    if isinstance(error, PermissionError):
        return f"`{name}` may not be read by this user"
    return f"`{name}` cannot be read: {error.strerror or 'the system gives no reason'}"


def _remedy(name: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "give yourself the right to read it"
    if isinstance(error, FileNotFoundError) and (similar := similar_file(name)):
        return similar
    return "give the path of a .qspec file, relative to the current directory"
