"""The files that a command names, looked at before anything that takes seconds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from qspec._check import is_tflite_file
from qspec.diagnostics import Diagnostic, Place, SpecError, SpecWarning
from qspec.diagnostics.catalogue import UNREADABLE_FILE, UNUSABLE_DATA
from qspec.diagnostics.diagnostic import Code
from qspec.diagnostics.similar_file import similar_file

_NO_FILE = "there is no such file"


def data_problems(*paths: str | None) -> Iterator[Diagnostic]:
    """Why data files cannot be opened; None is one that is not given."""
    for path in paths:
        if path is not None:
            yield from _reading_problems(path, UNUSABLE_DATA, "give a `.npy` or `.npz` file")


def file_problems(path: str) -> Iterator[Diagnostic]:
    """Why the file cannot be opened."""
    yield from _reading_problems(path, UNREADABLE_FILE, "give a `.tflite` file")


def wrong_model(path: str) -> str:
    """Why what is at *path* is no float model, which holds for all `.tflite` files; empty where it may be one."""
    if not is_tflite_file(path):
        return ""
    return f"`{path}` is a `.tflite` file, which is written already: give `--model` the float model, a `.keras` file"


def output_problems(path: str) -> Iterator[Diagnostic]:
    """Why no file can be written at *path*."""
    folder = Path(path).parent
    if Path(path).is_dir():
        yield UNREADABLE_FILE.at(Place(path), "this is a folder", help="name the file to write in it")
    elif not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        yield UNREADABLE_FILE.at(Place(path), f"the folder `{folder}` {what}", help="create it, or write elsewhere")
    elif not os.access(folder, os.W_OK):
        yield UNREADABLE_FILE.at(Place(path), f"the folder `{folder}` may not be written to", help="write elsewhere")


@contextmanager
def data_named(path: str) -> Iterator[None]:
    """Diagnostics that speak of data speak of the file at *path*."""
    try:
        yield
    except SpecError as error:
        raise SpecError(of_file(error.diagnostics, path)) from None


def of_file(diagnostics: Iterable[Diagnostic], path: str | None) -> list[Diagnostic]:
    """*diagnostics*, those that speak of data placed at the file that the data are from."""
    data = Place("data")
    return [replace(item, span=Place(path)) if path and item.span == data else item for item in diagnostics]


@contextmanager
def warnings_collected() -> Iterator[list[Diagnostic]]:
    """The diagnostics of the `SpecWarning`s issued inside, there when it ends."""
    found: list[Diagnostic] = []
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always", SpecWarning)
        yield found
    found += (each.message.diagnostic for each in issued if isinstance(each.message, SpecWarning))


def _reading_problems(path: str, code: Code, advice: str) -> Iterator[Diagnostic]:
    try:
        with open(path, "rb"):
            return
    except (FileNotFoundError, NotADirectoryError):
        yield code.at(Place(path), _NO_FILE, help=similar_file(path) or advice)
    except IsADirectoryError:
        yield code.at(Place(path), "this is a folder", help=advice)
    except (OSError, ValueError):
        yield code.at(Place(path), "the file may not be read", help=advice)
