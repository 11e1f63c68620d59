"""The layer graph of a `.keras` file: an archive read as data. Nothing of the model is imported or executed."""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import NOT_KERAS_3, UNREADABLE_MODEL
from qspec.diagnostics.diagnostic import Code
from qspec.diagnostics.similar_file import similar_file
from qspec.graph.document import Malformed, Node
from qspec.graph.keras_config import diagnostic_of, read_model
from qspec.graph.layers import LayerGraph

MAXIMUM_CONFIG_BYTES = 16 * 2**20
MAXIMUM_CONFIG_VALUES = 1_000_000
"""Python needs up to 200 bytes for each. NASNetLarge's file has about 60,000."""
MAXIMUM_DIRECTORY_BYTES = 4 * 2**20

_CONFIG, _METADATA = "config.json", "metadata.json"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_CHUNK = 2**16
_SAVE_AGAIN = 'load the model in Keras 3 and save it with `model.save("model.keras")`'
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, ValueError)


def read_keras_file(path: str | os.PathLike[str]) -> LayerGraph:
    """The layer calls of the model in a `.keras` file. Raises `SpecError` with one diagnostic if it cannot be read."""
    shown = os.fspath(path)
    try:
        with _open(Path(path), shown) as file:
            return _read(file, shown)
    except Malformed as error:
        raise SpecError([diagnostic_of(error, shown)]) from None


def _refuse(path: str, message: str, help: str = "", code: Code = UNREADABLE_MODEL) -> SpecError:
    return SpecError([code.at(Place(path), message, help=help)])


def _open(path: Path, shown: str) -> IO[bytes]:
    """The file, if it is an ordinary one."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _directory(path, shown)
        if not stat.S_ISREG(mode):
            raise _refuse(shown, "this is not a file")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise _refuse(shown, "there is no such file", similar_file(shown)) from None
    except PermissionError:
        raise _refuse(shown, "the file may not be read: permission denied") from None
    except (OSError, ValueError):
        raise _refuse(shown, "the file cannot be opened") from None


def _directory(path: Path, shown: str) -> SpecError:
    if (path / "saved_model.pb").exists() or (path / "keras_metadata.pb").exists():
        return _refuse(shown, "this is a SavedModel folder, not a `.keras` file", _SAVE_AGAIN, NOT_KERAS_3)
    return _refuse(shown, "this is a folder, not a `.keras` file")


def _read(file: IO[bytes], shown: str) -> LayerGraph:
    start = file.read(8)
    if start == _HDF5_MAGIC:
        raise _refuse(shown, "this is an HDF5 file, not a `.keras` file", _SAVE_AGAIN, NOT_KERAS_3)
    if start[4:8] == b"TFL3":
        raise _refuse(shown, "this is a LiteRT file, not a `.keras` file")
    if shown.endswith(".qspec"):
        raise _refuse(shown, "this is a spec, and a model is meant: a `.keras` or `.tflite` file")
    if start[:1] == b"{":
        raise _refuse(shown, "this is JSON, not a `.keras` file", _SAVE_AGAIN)
    archive = _archive(file, shown)
    with archive:
        _check_version(archive, shown)
        if _CONFIG not in archive.NameToInfo:
            raise _refuse(shown, f"the archive has no `{_CONFIG}`", "a `.keras` file holds one", UNREADABLE_MODEL)
        document = _document(archive, _CONFIG, shown)
    return read_model(document, shown)


class _Bounded:
    """A file that refuses to read much at once: what an archive's directory claims must not fill the memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(min(size, MAXIMUM_DIRECTORY_BYTES + 1) if size >= 0 else MAXIMUM_DIRECTORY_BYTES + 1)
        if len(content) > MAXIMUM_DIRECTORY_BYTES:
            raise zipfile.BadZipFile
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def _archive(file: IO[bytes], shown: str) -> zipfile.ZipFile:
    file.seek(0)
    try:
        return zipfile.ZipFile(_Bounded(file))
    except (*_DAMAGED, NotImplementedError, OverflowError):  # what zipfile raises of damaged directories
        file.seek(0)
        zipped = file.read(2) == b"PK"
        message = "the archive is damaged or cut off" if zipped else "this is not a `.keras` file: it is no zip archive"
        raise _refuse(shown, message) from None


def _check_version(archive: zipfile.ZipFile, shown: str) -> None:
    """Keras writes its version into `metadata.json`."""
    if _METADATA not in archive.NameToInfo:
        return
    try:
        version = _document(archive, _METADATA, shown)["keras_version"].text()
        major = version.split(".")[0]
        if not major.isdecimal() or len(major) > 4:
            raise Malformed("keras_version", "expected a version number")
    except Malformed as error:
        raise SpecError([diagnostic_of(error, shown, _METADATA)]) from None
    if int(major) < 3:
        raise _refuse(
            shown, f"the model was saved by Keras {version[:40]}, and qspec reads Keras 3", _SAVE_AGAIN, NOT_KERAS_3
        )


def _document(archive: zipfile.ZipFile, name: str, shown: str) -> Node:
    """A member of the archive as JSON."""
    content = _member(archive, name, shown)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse(shown, f"{name}: not UTF-8 at byte {error.start}") from None
    del content
    if text.count(",") + text.count("[") + text.count("{") > MAXIMUM_CONFIG_VALUES:
        raise _refuse(shown, f"{name}: more than {MAXIMUM_CONFIG_VALUES} values")
    try:
        return Node(json.loads(text, parse_constant=_no_constant), "")
    except RecursionError:
        raise _refuse(shown, f"{name}: nested too deep") from None
    except json.JSONDecodeError as error:
        raise _refuse(shown, f"{name}:{error.lineno}:{error.colno}: not JSON") from None
    except ValueError:
        raise _refuse(shown, f"{name}: a number of too many digits, or not a number") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _member(archive: zipfile.ZipFile, name: str, shown: str) -> bytes:
    """The bytes of a member, its real size bounded whatever its header says."""
    info = archive.NameToInfo[name]
    too_large = _refuse(shown, f"{name}: larger than {MAXIMUM_CONFIG_BYTES // 2**20} MiB")
    if info.file_size > MAXIMUM_CONFIG_BYTES:
        raise too_large
    if info.flag_bits & 1:
        raise _refuse(shown, f"{name}: encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refuse(shown, f"{name}: compressed by a method that Keras does not use")
    chunks, size = [], 0
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAXIMUM_CONFIG_BYTES:
                    raise too_large
    except (*_DAMAGED, NotImplementedError, RuntimeError, OverflowError):  # and of damaged members
        raise _refuse(shown, f"{name}: the archive is damaged") from None
    return b"".join(chunks)
