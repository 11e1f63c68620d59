"""The rendering for code scanning: SARIF 2.1.0.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import qspec
from qspec.diagnostics.codes import find_code
from qspec.diagnostics.diagnostic import Diagnostic, Fix, Place, Span
from qspec.diagnostics.page import page
from qspec.diagnostics.page_text import rendered
from qspec.diagnostics.summary import in_order

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_log(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """A log of one run, with the rules of those codes that arise, each with the text of its page."""
    ordered = in_order(diagnostics)
    rules = {code: index for index, code in enumerate(sorted({item.code for item in ordered}))}
    driver = {"name": "qspec", "version": qspec.__version__, "rules": [_rule(code) for code in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, rules[item.code]) for item in ordered],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    code = find_code(name)
    found = page(code) if code is not None else None
    if code is None or found is None:
        return {"id": name}
    return {
        "id": code.code,
        "name": code.name,
        "shortDescription": {"text": found.summary},
        "fullDescription": {"text": found.meaning},
        "help": {"text": "\n".join(rendered(found.text)), "markdown": found.text},
        "defaultConfiguration": {"level": code.severity.value},
    }


def _result(item: Diagnostic, rule: int) -> dict[str, Any]:
    about = {"layer": item.layer, "op": item.op, "target": item.target}
    properties = {name: value for name, value in about.items() if value}
    fixes = dict.fromkeys((*([item.fix] if item.fix is not None else []), *item.offers))
    related = [{"id": number, **_location(place, text)} for number, (place, text) in enumerate(item.related)]
    return {
        "ruleId": item.code,
        "ruleIndex": rule,
        "level": item.severity.value,
        "message": {"text": f"{item.message}\nhelp: {item.help}" if item.help else item.message},
        "locations": [_location(item.span, item.label)],
        **({"relatedLocations": related} if related else {}),
        # The standard's are "proposed" (3.27.30), so that those which may be meant are among them.
        **({"fixes": [_fix(fix) for fix in fixes]} if fixes else {}),
        **({"properties": properties} if properties else {}),
    }


def _location(place: Span | Place, text: str = "") -> dict[str, Any]:
    path = place.path if isinstance(place, Place) else place.source.path
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if isinstance(place, Span):
        physical["region"] = _region(place)
    return {"physicalLocation": physical, **({"message": {"text": text}} if text else {})}


def _region(span: Span) -> dict[str, int]:
    """Lines and columns count code points from 1, and the end column is the first one behind it, as in a `Span`."""
    line, column = span.source.position(span.start)
    last_line, last_column = span.source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": last_line, "endColumn": last_column}


def _uri(path: str) -> str:
    """*path* as a relative reference. One that begins at the root is given from the current folder, so that nothing
    of the machine is told but what lies on the way."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return quote(PurePath(relative).as_posix(), safe="/", errors="surrogateescape")


def _fix(fix: Fix) -> dict[str, Any]:
    """The edits, a change for each file."""
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.span.source.path, []).append(replacement)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {"artifactLocation": {"uri": _uri(path)}, "replacements": replacements}
            for path, replacements in changes.items()
        ],
    }
