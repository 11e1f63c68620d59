"""QS407, as far as no data is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REQUIREMENT_FAILED
from qspec.lint.facts import Facts
from qspec.schema.evaluate import UNKNOWN, Mistake, condition_holds
from qspec.schema.spec import Requirement
from qspec.syntax import tree


def requirement_failed(facts: Facts) -> Iterator[Diagnostic]:
    """A `require` that does not hold.

    ## Why it matters
    It was written so that somebody hears of it.

    ## Example
        deploy edgetpu as coral
        require coral.coverage == 100%

    `check` answers what follows from the plan: a target's `coverage` (percent of the compute ops) and `parameters`
    (bytes), and the number of `ops`. What needs the file or data (`size`, `parity`, `sqnr`, `accuracy_drop`) is asked
    by `quantize` and `verify`.
    """
    for requirement in facts.spec.requirements:
        yield from _check(requirement, facts)


def _check(requirement: Requirement, facts: Facts) -> Iterator[Diagnostic]:
    found: dict[str, Any] = {}

    def lookup(path: tree.Path) -> Any:
        value = _value(path, facts)
        if value is not UNKNOWN:
            found[path.span.source.text[path.span.start : path.span.end]] = value
        return value

    try:
        holds = condition_holds(requirement.condition, lookup, lambda call: UNKNOWN)
    except Mistake as mistake:
        yield REQUIREMENT_FAILED.at(mistake.span, mistake.message, help=mistake.help)
        return
    if holds is False:
        values = ", ".join(f"`{name}` is {_spelled(name, value)}" for name, value in found.items())
        yield REQUIREMENT_FAILED.at(
            requirement.condition.span,
            f"this requirement does not hold: {values}",
            label=requirement.reason,
        )


def _value(path: tree.Path, facts: Facts) -> Any:
    words = [path.head.text, *(trailer.text for trailer in path.trailers if isinstance(trailer, tree.Name))]
    if words == ["ops"]:
        return len(facts.plan.ops.ops)
    for deployed in facts.deployed:
        if words == [deployed.deploy.name, "coverage"]:
            return deployed.placement.coverage
        if words == [deployed.deploy.name, "parameters"]:
            return deployed.placement.parameter_bytes
    return UNKNOWN


def _spelled(name: str, value: float) -> str:
    return (
        f"{value:.4g}%" if name.endswith(".coverage") else f"{value} B" if name.endswith(".parameters") else f"{value}"
    )
