"""`qspec explain`: the page of a code, or what a spec decides for the layers of a model."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from typing import Any

from qspec.cli.output import colored, width, wrong_usage
from qspec.diagnostics.codes import codes, family, find_code
from qspec.diagnostics.diagnostic import Code
from qspec.diagnostics.json_format import VERSION
from qspec.diagnostics.page import page
from qspec.diagnostics.selection import meant


def run(arguments: argparse.Namespace) -> int:
    """Print all codes or those of a family, the page of one, or what a spec decides; 2 if there is no such code."""
    subject: str | None = arguments.subject
    if subject is not None and subject.endswith((".keras", ".h5", ".hdf5", ".tflite")):
        return wrong_usage("explain", f"`{subject}` is a model: `qspec explain SPEC --model {subject}`")
    if subject is not None and _is_spec(subject):
        from qspec.cli import explain_spec

        return explain_spec.run(arguments)
    if arguments.model is not None or arguments.layer is not None:
        return wrong_usage("explain", "`--model` and `--layer` go with a spec: qspec explain SPEC --model MODEL")
    found = codes() if subject is None else meant(subject)
    if not found:
        assert subject is not None
        from qspec.cli.selection import offer_code

        others = "`qspec explain` lists all of them, and a spec ends in `.qspec`"
        told = filter(None, (f"there is no code `{subject}`", offer_code(subject), others))
        return wrong_usage("explain", "; ".join(told))
    if subject is not None and find_code(subject) is not None:
        _print_page(found[0], arguments.format)
    else:
        _print_codes(found, arguments.format)
    return 0


def _is_spec(subject: str) -> bool:
    return subject == "-" or subject.endswith(".qspec") or os.sep in subject


def _print_codes(chosen: Sequence[Code], format_: str) -> None:
    if format_ == "json":
        _print_data([_data(code) for code in chosen])
        return
    from qspec.diagnostics.page_text import overview

    for line in overview(chosen, width(), colored()):
        print(line)


def _print_page(code: Code, format_: str) -> None:
    found = page(code)
    if format_ == "json":
        _print_data([{**_data(code), "page": found.text if found else None}])
        return
    from qspec.diagnostics.page_text import rendered

    text = found.text if found else f"# {code.code} {code.name} ({code.severity.value})"
    for line in rendered(text, width(), colored()):
        print(line)


def _print_data(data: list[dict[str, Any]]) -> None:
    print(json.dumps({"version": VERSION, "codes": data}, indent=2, ensure_ascii=False))


def _data(code: Code) -> dict[str, Any]:
    """The `page` is told of one alone."""
    found = page(code)
    return {
        "code": code.code,
        "name": code.name,
        "severity": code.severity.value,
        "family": family(code),
        "summary": found.summary if found else None,
        "page": None,
    }
