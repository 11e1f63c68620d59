"""`check`: everything that can be said of a spec, alone or against a model, without data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qspec.diagnostics import Diagnostic, Severity, Span
from qspec.diagnostics.catalogue import UNUSED_SUPPRESSION
from qspec.plan.support import unsupported
from qspec.schema import suppress
from qspec.schema.spec import Spec

# What only a model needs is imported where it is needed: a spec alone is checked twice as fast without.
if TYPE_CHECKING:
    from qspec.graph.layers import LayerGraph
    from qspec.lint.facts import Deployed, Lint
    from qspec.plan.plan import Plan


@dataclass(frozen=True)
class Report:
    """What `check` found. `placement` has one entry for each `deploy`; without a model it is empty and `plan` None."""

    diagnostics: tuple[Diagnostic, ...] = ()
    placement: tuple[Deployed, ...] = ()
    plan: Plan | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return not any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, the public contract of `--format json`: `version`, `diagnostics`, `placement`, `plan`,
        `summary`."""
        from qspec.diagnostics.json_format import document

        placement = [_placement_data(deployed) for deployed in self.placement]
        plan = list(_plan_data(self.plan)) if self.plan is not None else []
        return document(self.diagnostics, {"placement": placement, "plan": plan})

    def to_json(self) -> str:
        """`to_dict` as text."""
        import json

        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def placement_text(self) -> str:
        """The placement for people, a block for each target with an empty line between; empty without a model."""
        from qspec.lint.placement_text import placement_text

        return "\n\n".join(placement_text(deployed) for deployed in self.placement)


def check(
    spec: Spec,
    layers: LayerGraph | None = None,
    diagnostics: Iterable[Diagnostic] = (),
    lints: Sequence[Lint] | None = None,
) -> Report:
    """Hold *spec* against a model, or against itself alone. *diagnostics* are those of reading it; what the spec's
    comments suppress is left out of all. *lints* are the rules to ask, every one unless they are given."""
    diagnostics = (*diagnostics, *_of_targets(spec))
    if layers is None:
        found = suppress(spec, (*diagnostics, *unsupported(spec)))
        return Report(tuple(item for item in found if not _needs_model(item)))
    from qspec.lint.facts import gather
    from qspec.lint.lints import LINTS, lint
    from qspec.plan.make import make_plan

    plan = make_plan(spec, layers)
    facts = gather(spec, plan)
    reported = (*diagnostics, *plan.diagnostics, *lint(facts, LINTS if lints is None else lints))
    return Report(suppress(spec, dict.fromkeys(reported)), facts.deployed, plan)


def _of_targets(spec: Spec) -> Iterator[Diagnostic]:
    """What is wrong in the rows of the targets that the spec defines itself."""
    if spec.targets:
        from qspec.targets.unknown_names import unknown_names

        yield from unknown_names(spec.targets.values())


def _needs_model(diagnostic: Diagnostic) -> bool:
    """Whether it is the warning that a suppression is unused, of a code that only arises against a model."""
    span = diagnostic.span
    if diagnostic.code != UNUSED_SUPPRESSION.code or not isinstance(span, Span):
        return False
    return span.source.text[span.start : span.end][:3] in ("QS3", "QS4", "QS5", "QS6")


def _placement_data(deployed: Deployed) -> dict[str, Any]:
    placement = deployed.placement
    return {
        "name": deployed.deploy.name,
        "target": deployed.table.name,
        "title": deployed.table.definition.title,
        "options": dict(deployed.table.options),
        "coverage": placement.coverage,
        "partitions": placement.partitions,
        "parameters": placement.parameter_bytes,
        "refused": [reason.message for reason in dict.fromkeys(placement.refused)],
        "ops": [
            {
                "op": placed.op.kind,
                "layer": placed.op.layer,
                "accelerated": placed.accelerated,
                "runs": placed.runs,
                "edge": placed.edge,
                "reasons": list(dict.fromkeys(reason.message for reason in placed.why)),
                "unverified": placed.verdict.unverified is not None,
            }
            for placed in placement.ops
        ],
    }


def _plan_data(plan: Plan) -> Iterator[dict[str, Any]]:
    """Each slot of each layer: what it becomes, and who says so. `quantizer` None is float."""
    calls = {call.index: call.layer.path for call in plan.layers.calls}
    for slot in sorted(plan.ops.slots, key=lambda slot: (slot.call, slot.kind, str(slot.key))):
        decision = plan.decision(slot)
        if decision is None:
            continue
        quantizer, span = decision.quantizer, decision.origin.span
        line, column = span.source.position(span.start) if span else (None, None)
        yield {
            "layer": calls[slot.call],
            "slot": str(slot),
            "quantizer": quantizer.name if quantizer else None,
            "type": quantizer.type if quantizer else "float32",
            "granularity": quantizer.granularity if quantizer else None,
            "origin": decision.origin.kind,
            "rule": decision.origin.rule or None,
            "path": span.source.path if span else None,
            "line": line,
            "column": column,
            "changes": list(decision.changes),
        }
