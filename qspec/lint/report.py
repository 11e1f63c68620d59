"""`check`: everything that can be said of a spec, alone or against a model, without data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qspec.diagnostics import Diagnostic, Severity
from qspec.lint.doubts import doubts
from qspec.lint.spec_lints import lint_spec, lint_tables
from qspec.plan.support import meaningless
from qspec.schema.spec import Spec

# What only a model needs is imported where it is needed: a spec alone is checked twice as fast without.
if TYPE_CHECKING:
    from qspec.graph.layers import LayerGraph
    from qspec.lint.facts import Deployed, Lint
    from qspec.plan.plan import Plan
    from qspec.targets import Obstacle, Reason


_MOST_LAYERS = 4


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

    @cached_property
    def size(self) -> int | None:
        """The predicted bytes of the file, good to 2 % or 2 KiB; None without a model, or where none can be written.

        Constants of different variables are taken to differ: of a model that was never trained, whose biases are all
        zeros, the file is smaller."""
        if self.plan is None:
            return None
        from qspec.plan.file_size import predicted_size

        return predicted_size(self.plan)

    @cached_property
    def requantized(self) -> Mapping[str, int]:
        """How many tensors each layer reads requantized, by its path: ops that want one scale were given several, or a
        rule gave an input another quantizer than the tensor has. Empty without a model."""
        if self.plan is None:
            return {}
        from qspec.plan.requantized import requantized

        return requantized(self.plan)

    def explain(self, layer: str | None = None) -> list[dict[str, Any]]:
        """Who decided what, and why, for each call of each layer, or of the one at the path *layer*, as plain data: the
        `layers` of `qspec explain SPEC --model MODEL --format json`. Empty without a model."""
        if self.plan is None:
            return []
        from qspec.plan.explain import Explainer
        from qspec.plan.explain_data import explanations

        return explanations(Explainer(self.plan), layer)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, the public contract of `--format json`: `version`, `diagnostics`, `file`, `placement`, `plan`,
        `summary`. `file` has an entry with the predicted `size`, the number of `ops`, and how many tensors are
        `requantized` for each layer; none without a model."""
        from qspec.diagnostics.json_format import document

        placement = [_placement_data(deployed) for deployed in self.placement]
        plan = list(_plan_data(self.plan)) if self.plan is not None else []
        file = []
        if self.plan is not None:
            file = [{"size": self.size, "ops": len(self.plan.ops.ops), "requantized": dict(self.requantized)}]
        return document(self.diagnostics, {"file": file, "placement": placement, "plan": plan})

    def to_json(self) -> str:
        """`to_dict` as text."""
        import json

        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def placement_text(self) -> str:
        """The placement for people, a block for each target with an empty line between; empty without a model."""
        if not self.placement:
            return ""
        from qspec.lint.placement_text import placement_text

        return "\n\n".join(placement_text(deployed) for deployed in self.placement)

    def size_text(self) -> str:
        """The predicted size of the file, in a line for people; empty where none can be written."""
        if self.plan is None or not self.ok or self.size is None:
            return ""
        from qspec.lint.placement_text import amount

        return f"the file: about {amount(self.size)}"

    def requantized_text(self) -> str:
        """The layers that read requantized tensors, in a line for people; empty where there are none."""
        told = [f"{count} for `{layer}`" for layer, count in self.requantized.items()]
        if not told:
            return ""
        more = f" and {len(told) - _MOST_LAYERS} more layers" if len(told) > _MOST_LAYERS else ""
        count = sum(self.requantized.values())
        return f"{count} {'tensor' if count == 1 else 'tensors'} requantized: {', '.join(told[:_MOST_LAYERS])}{more}"


def check(
    spec: Spec,
    layers: LayerGraph | None = None,
    diagnostics: Iterable[Diagnostic] = (),
    lints: Sequence[Lint] | None = None,
) -> Report:
    """Hold *spec* against a model, or against itself alone. *diagnostics* are those of reading it; what the spec's
    comments suppress is left out of all. *lints* are the rules to ask, every one unless they are given."""
    diagnostics = tuple(diagnostics)
    known = doubts(spec, diagnostics)
    tables = tuple(known.certain(lint_tables(spec)))
    said = (*diagnostics, *tables, *_of_deployed(spec), *known.certain(lint_spec(spec)))
    if layers is None:
        known = doubts(spec, diagnostics, tables)
        verdicts = known.certain((*meaningless(spec), *_of_layer_classes(spec)))
        return Report(known.told((*said, *verdicts)))
    from qspec.lint.facts import gather
    from qspec.lint.lints import LINTS, lint
    from qspec.lint.told_once import told_once
    from qspec.plan.make import make_plan

    plan = make_plan(spec, layers)
    facts = gather(spec, plan)
    known = doubts(spec, diagnostics, tables, plan.diagnostics, against="model")
    verdicts = known.certain((*plan.diagnostics, *lint(facts, LINTS if lints is None else lints)))
    return Report(known.told(dict.fromkeys((*said, *told_once(verdicts)))), facts.deployed, plan)


def _of_deployed(spec: Spec) -> Iterator[Diagnostic]:
    if any(deploy.target.deprecated for deploy in spec.deploys):
        from qspec.lint.deprecated_target import deprecated_target

        yield from deprecated_target(spec)


def _of_layer_classes(spec: Spec) -> Iterator[Diagnostic]:
    if spec.layer_classes:
        from qspec.plan.layer_classes import layer_class_reports

        yield from layer_class_reports(spec)


def _placement_data(deployed: Deployed) -> dict[str, Any]:
    placement = deployed.placement
    return {
        "name": deployed.deploy.name,
        "target": deployed.table.name,
        "title": deployed.table.definition.title,
        "options": dict(deployed.table.options),
        "coverage": placement.coverage,
        "covered": asdict(placement.covered),
        "partitions": placement.partitions,
        "parameters": placement.parameter_bytes,
        "memory": dict(deployed.table.definition.memory),
        "excess": deployed.table.definition.excess,
        "model": {"ops": len(placement.ops), "macs": placement.macs, "parameters": placement.total_parameters},
        "refused": [reason.message for reason in dict.fromkeys(placement.refused)],
        "ops": [
            {
                "op": placed.op.kind,
                "layer": placed.op.layer,
                "accelerated": placed.accelerated,
                "runs": placed.runs,
                "edge": placed.edge,
                "macs": placed.macs,
                "parameters": placed.parameters,
                "reasons": list(dict.fromkeys(reason.message for reason in placed.why)),
                "rows": list(_rows(placed.why)),
                "unverified": placed.verdict.unverified is not None,
                "unverified_reason": placed.verdict.unverified or "",
            }
            for placed in placement.ops
        ],
        "obstacles": [_obstacle_data(obstacle) for obstacle in placement.obstacles],
    }


def _obstacle_data(obstacle: Obstacle) -> dict[str, Any]:
    """What keeps ops off: without `kinds` it is the model as a whole; `op` is the kind, where there is one only. `gain`
    is what it would bring to change it: how many other ops would `follow`, and what would be covered, without (`alone`)
    and with (`in_turn`) all obstacles before it; None if there are too many to ask."""
    return {
        "op": obstacle.kinds[0] if len(obstacle.kinds) == 1 else None,
        "kinds": list(obstacle.kinds),
        "ops": [op.index for op in obstacle.ops],
        "layers": list(obstacle.layers),
        "runs": obstacle.runs,
        "reasons": [reason.message for reason in obstacle.reasons],
        "rows": list(_rows(obstacle.reasons)),
        "gain": None if obstacle.gain is None else asdict(obstacle.gain),
    }


def _rows(reasons: Iterable[Reason]) -> Iterator[dict[str, Any]]:
    """Where the table says so, a place for each distinct reason."""
    for reason in {reason.message: reason for reason in reasons}.values():
        line, column = reason.span.source.position(reason.span.start)
        yield {"path": reason.span.source.path, "line": line, "column": column}


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
