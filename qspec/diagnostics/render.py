"""Every output format, by the name that `--format` takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from qspec.diagnostics.concise import concise
from qspec.diagnostics.diagnostic import Diagnostic
from qspec.diagnostics.full import full
from qspec.diagnostics.github import github
from qspec.diagnostics.json_format import document
from qspec.diagnostics.summary import in_order, summary

Renderer = Callable[[Sequence[Diagnostic], bool, int | None], str]


def full_report(diagnostics: Sequence[Diagnostic], color: bool = False, width: int | None = None) -> str:
    """Every diagnostic in full, an empty line behind each, and the summary."""
    return "\n\n".join([*(full(item, color, width) for item in in_order(diagnostics)), summary(diagnostics)])


def concise_report(diagnostics: Sequence[Diagnostic], color: bool = False, width: int | None = None) -> str:
    """One line each, and the summary."""
    return "\n".join([*(concise(item, color, width) for item in in_order(diagnostics)), summary(diagnostics)])


def json_report(diagnostics: Sequence[Diagnostic], color: bool = False, width: int | None = None) -> str:
    """The diagnostics as a JSON document. For one with more sections, see `json_format.document`."""
    return json.dumps(document(diagnostics), indent=2)


def sarif_report(diagnostics: Sequence[Diagnostic], color: bool = False, width: int | None = None) -> str:
    """The diagnostics as a SARIF 2.1.0 log."""
    from qspec.diagnostics.sarif import sarif_log  # reads pages

    return json.dumps(sarif_log(diagnostics), indent=2)


def github_report(diagnostics: Sequence[Diagnostic], color: bool = False, width: int | None = None) -> str:
    """A workflow command for each, and the summary, which the log shows as it stands."""
    return "\n".join([*map(github, in_order(diagnostics)), summary(diagnostics)])


RENDERERS: dict[str, Renderer] = {
    "full": full_report,
    "concise": concise_report,
    "json": json_report,
    "sarif": sarif_report,
    "github": github_report,
}
