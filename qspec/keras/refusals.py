"""What LiteRT must not be given: a check that fails inside its kernels ends the process."""

from __future__ import annotations

from qspec.diagnostics import Diagnostic, Place
from qspec.diagnostics.catalogue import REFUSED_MODEL
from qspec.graph.tflite_file import parse_tflite
from qspec.lint.files.facts import op_words, representation
from qspec.schema import shipped_target
from qspec.targets import Outcome, Table


def refusals(content: bytes, path: str) -> list[Diagnostic]:
    """The ops of a written file that the table of LiteRT's own kernels refuses, now that every scale is known."""
    definition = shipped_target("tflite")
    assert definition is not None, "it is shipped"
    body, table = parse_tflite(content, path).main, Table(definition)
    stored = representation(body)
    found = []
    for op in body.graph.ops:
        verdict = table.judge(op, body.graph, stored, body.versions.get(op.index))
        if verdict.outcome is Outcome.REFUSED:
            reasons = "; ".join(reason.message for reason in verdict.reasons)
            related = tuple((reason.span, "tflite says so") for reason in verdict.reasons)
            message = f"LiteRT cannot be given {op_words(op)}: {reasons}"
            found.append(REFUSED_MODEL.at(Place(path), message, related=related, layer=op.layer, op=op.kind))
    return found
