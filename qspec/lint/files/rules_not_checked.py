"""QS606"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import RULES_NOT_CHECKED
from qspec.lint.files.facts import FileFacts


def rules_not_checked(facts: FileFacts) -> Iterator[Diagnostic]:
    """The rules of a spec are not held against a `.tflite` file.

    ## Why it matters
    Rules speak of Keras layers, and a file has ops: which layer an op came from, and what was fused into it, stands
    nowhere in it. The targets, requirements, inputs and outputs of the spec are held against the file.

    ## Example
        qspec check edge.qspec --model edge.tflite

    `qspec check SPEC --model MODEL.keras` holds the rules against the model, and `qspec verify` the file against both.
    """
    rules, default = len(facts.spec.rules), facts.spec.default
    if rules or default:
        what = f"{rules} rule{'s'[: rules > 1]}" if rules else "`default`"
        yield RULES_NOT_CHECKED.at(
            facts.spec.rules[0].span if rules else default[0].span,
            f"the spec's {what} cannot be held against `{facts.file.path}`: rules speak of layers, and it has ops",
            help="check the `.keras` file with `--model`, or the file and the model together with `qspec verify`",
        )
