"""QS401, QS403 and QS404 for files: what the deployed targets do not run, refuse, or warn of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.catalogue import NOT_ACCEPTED, REFUSED_MODEL, TARGET_WARNING
from qspec.graph.ops import Op
from qspec.lint.broken_table import broken_conditions
from qspec.lint.deprecated_target import deprecated_target
from qspec.lint.facts import Deployed
from qspec.lint.files.facts import FileFacts, op_words
from qspec.lint.files.wrong_bias_scale import wrong_biases
from qspec.lint.memory import UNTOLD, too_much
from qspec.lint.not_accepted import model_not_accepted
from qspec.plan.runtime import unverified
from qspec.schema.names import a_few
from qspec.targets import Outcome, PlacedOp, Reason, Verdict

# The op in which the Edge TPU's compiler puts what it takes (google-coral/test_data, *_edgetpu.tflite).
_COMPILED = "edgetpu-custom-op"


def file_not_accepted(facts: FileFacts) -> Iterator[Diagnostic]:
    """An op of the file that a deployed target does not run, and that no host can run instead."""
    reported = set(wrong_biases(facts.file.main))
    said: set[tuple[str, tuple[Reason, ...]]] = set()  # of a host that several targets share, once
    for deployed in facts.deployed:
        if model_not_accepted(deployed):
            yield _model_not_accepted(facts, deployed)
        found: dict[tuple[str, tuple[Reason, ...]], list[tuple[PlacedOp, Verdict]]] = {}
        for placed in deployed.placement.ops:
            verdict, table = deployed.last_answer(placed)
            if verdict is not None and verdict.outcome is Outcome.NOT_ACCEPTED:
                # The tensor is another one for every op, and the reason the same.
                reasons = [reason for reason in verdict.reasons if not _of_bias(reason, reported)]
                key = table.name, tuple(dict.fromkeys(replace(reason, tensor=None) for reason in reasons))
                found.setdefault(key, []).append((placed, verdict))
        for key, ops in found.items():
            if key[1] and key not in said:
                said.add(key)
                yield _not_accepted(facts, deployed, *key, ops)


def _model_not_accepted(facts: FileFacts, deployed: Deployed) -> Diagnostic:
    reasons = deployed.placement.model.reasons
    return NOT_ACCEPTED.at(
        facts.place_of(deployed),
        f"{deployed.table.name} does not take the model: {'; '.join(reason.message for reason in reasons)}",
        related=tuple((reason.span, f"{deployed.table.name} says so") for reason in reasons),
        target=deployed.deploy.name,
    )


def _of_bias(reason: Reason, reported: Collection[int]) -> bool:
    """Whether it is about the scale of a bias, of which a rule of its own tells."""
    return reason.operand == "bias" and reason.tensor in reported


def _not_accepted(
    facts: FileFacts,
    deployed: Deployed,
    table: str,
    reasons: tuple[Reason, ...],
    ops: list[tuple[PlacedOp, Verdict]],
) -> Diagnostic:
    placed, verdict = ops[0]
    names = a_few(list(dict.fromkeys(op_words(each.op) for each, _ in ops)))
    messages = "; ".join(dict.fromkeys(reason.message for reason in reasons))
    return NOT_ACCEPTED.at(
        facts.place_of(deployed),
        f"{table} does not take {names}: {messages}",
        related=tuple((span, f"what {table} takes") for span in dict.fromkeys(reason.span for reason in reasons)),
        help=_advice(placed.op, reasons[0], verdict),
        layer=placed.op.layer,
        op=placed.op.kind,
        target=deployed.deploy.name,
    )


def _advice(op: Op, reason: Reason, verdict: Verdict) -> str:
    if op.attributes.get("custom_code") == _COMPILED:
        return "the Edge TPU's compiler made this file: check the one that it was given"
    return unverified(verdict) if verdict.unverified is not None else reason.help


def file_refused(facts: FileFacts) -> Iterator[Diagnostic]:
    """A deployed target rejects the file as a whole."""
    for deployed in facts.deployed:
        name = deployed.deploy.name
        for reason in dict.fromkeys(deployed.placement.refused):
            yield REFUSED_MODEL.at(
                facts.place_of(deployed),
                f"`{name}` refuses the whole model: {reason.message}",
                related=((reason.span, f"{deployed.table.name} says so"),),
                help=reason.help,
                target=name,
            )


def file_warning(facts: FileFacts) -> Iterator[Diagnostic]:
    """A target takes an op of the file and computes it wrong, or will not take it for much longer."""
    said: set[Reason] = set()
    for deployed in facts.deployed:
        if excess := too_much(deployed):
            message = f"`{deployed.deploy.name}`: {excess}"
            yield TARGET_WARNING.at(facts.place_of(deployed), message, help=UNTOLD, target=deployed.deploy.name)
        found: dict[Reason, list[str]] = {reason: [] for reason in deployed.placement.model.warnings}
        for placed in deployed.placement.ops:
            verdict = placed.verdict if placed.accelerated else placed.host
            for warning in verdict.warnings if verdict is not None else ():
                found.setdefault(warning, []).append(op_words(placed.op))
        for warning, ops in found.items():
            if warning in said:
                continue
            said.add(warning)
            where = f" on {a_few(list(dict.fromkeys(ops)))}" if ops else ""
            yield TARGET_WARNING.at(
                facts.place_of(deployed),
                f"`{deployed.deploy.name}`{where}: {warning.message}",
                related=((warning.span, "the table warns here"),),
                target=deployed.deploy.name,
            )


def targets_themselves(facts: FileFacts) -> Iterator[Diagnostic]:
    """What is wrong with the deployed targets, whatever the file is: conditions without meaning, and that they are
    deprecated."""
    yield from broken_conditions(facts.spec, facts.deployed)
    places: dict[Span | Place, Span | Place] = {each.deploy.span: facts.place_of(each) for each in facts.deployed}
    for diagnostic in deprecated_target(facts.spec):
        place = places.get(diagnostic.span, diagnostic.span)
        # A comment silences it, but there is none in a flatbuffer.
        yield replace(diagnostic, span=place, help=diagnostic.help if isinstance(place, Span) else "")
