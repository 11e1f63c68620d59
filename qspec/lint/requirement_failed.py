"""QS407, as far as no data is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        yield from hold(requirement, lambda path: _value(path, facts))


def hold(
    requirement: Requirement, value: Callable[[tree.Path], Any], call: Callable[[tree.Call], Any] = lambda call: UNKNOWN
) -> Iterator[Diagnostic]:
    """An error if *requirement* is false, or has a mistake in it. *value* and *call* give what is known, else
    UNKNOWN."""
    found: dict[str, Any] = {}

    def remember(part: tree.Path | tree.Call, result: Any) -> Any:
        if result is not UNKNOWN:
            found[part.span.source.text[part.span.start : part.span.end]] = result
        return result

    try:
        holds = condition_holds(
            requirement.condition,
            lambda path: remember(path, value(path)),
            lambda part: remember(part, call(part)),
        )
    except Mistake as mistake:
        yield REQUIREMENT_FAILED.at(mistake.span, mistake.message, help=mistake.help)
        return
    if holds is False:
        values = ", ".join(f"`{name}` is {_spelled(name, number)}" for name, number in found.items())
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


_UNITS = {"coverage": "%", "parameters": " B", "size": " B", "parity": " lsb", "sqnr": " dB", "accuracy_drop": "%"}


def _spelled(name: str, value: float) -> str:
    unit = _UNITS.get(name.split("(")[0].rsplit(".", 1)[-1], "")
    return f"{value:,}{unit}" if isinstance(value, int) else f"{value:.4g}{unit}"
