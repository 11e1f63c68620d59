"""What it would bring to give one slot of one layer a finer quantizer: the model is planned and placed once more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qspec.diagnostics import Diagnostic, Severity
from qspec.lint.facts import Deployed, Facts, gather
from qspec.lint.needless_precision import needless_precision
from qspec.plan.make import make_plan
from qspec.schema import loads
from qspec.schema.names import quoted
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Rule

NEEDLESS = "needless"


def obstacle(facts: Facts, layer: str, slot: str, quantizer: Quantizer | None) -> str | None:
    """What speaks against *quantizer* (None: float) for *slot* of the layer at that path: the name of a deployed
    target that would run less of the model, NEEDLESS where its precision is lost at once (QS315), an empty text where
    it cannot be carried out; None if nothing does."""
    finer = replace(facts.spec, rules=(*facts.spec.rules, _rule(layer, slot, quantizer)))
    plan = make_plan(finer, facts.plan.layers)
    if not _errors(plan.diagnostics) <= _errors(facts.plan.diagnostics):
        return ""
    tried = gather(finer, plan)
    for before, after in zip(facts.deployed, tried.deployed, strict=True):
        if _runs_less(before, after):
            return before.deploy.name
    known = {item.span for item in needless_precision(facts)}
    return NEEDLESS if any(item.span not in known for item in needless_precision(tried)) else None


def shipped_quantizer(file: str, name: str) -> Quantizer:
    """The quantizer *name* of a file that is shipped."""
    spec, _ = loads(f'qspec 1\nimport "{file}"\n')
    assert spec is not None, f"{file} has a mistake"
    return spec.quantizers[name]


def _rule(layer: str, slot: str, quantizer: Quantizer | None) -> Rule:
    spec, _ = loads(f"qspec 1\nrule finer match any where path == {quoted(layer)} {{ {slot} = float }}\n")
    assert spec is not None, f"`{slot}` is no slot"
    (rule,) = spec.rules
    return replace(rule, assignments=tuple(replace(each, quantizer=quantizer) for each in rule.assignments))


def _errors(diagnostics: Iterable[Diagnostic]) -> set[tuple[str, str]]:
    return {(item.code, item.message) for item in diagnostics if item.severity is Severity.ERROR}


def _runs_less(before: Deployed, after: Deployed) -> bool:
    """Whether a target takes less of the model than before, or in more pieces."""
    one, other = before.placement, after.placement
    if other.refused and not one.refused:
        return True
    return other.coverage < one.coverage or other.partitions > one.partitions
