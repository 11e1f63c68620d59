"""QS606"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import RULES_NOT_CHECKED
from qspec.lint.files.facts import FileFacts


def rules_not_checked(facts: FileFacts) -> Iterator[Diagnostic]:
    """The rules of a spec are not held against a `.tflite` file."""
    rules, default = len(facts.spec.rules), facts.spec.default
    if rules or default:
        what = f"{rules} rule{'s'[: rules > 1]}" if rules else "`default`"
        yield RULES_NOT_CHECKED.at(
            facts.spec.rules[0].span if rules else default[0].span,
            f"the spec's {what} cannot be held against `{facts.file.path}`: rules speak of layers, and it has ops",
            help="check the `.keras` file with `--model`, or the file and the model together with `qspec verify`",
        )
