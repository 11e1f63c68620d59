"""QS205, as far as only a model shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.catalogue import INVALID_EXPRESSION
from qspec.lint.facts import Deployed, Facts
from qspec.schema.names import a_few
from qspec.schema.spec import Spec
from qspec.targets import Reason


def broken_table(facts: Facts) -> Iterator[Diagnostic]:
    """A condition in the table of a deployed target has no meaning for an op of the model."""
    yield from broken_conditions(facts.spec, facts.deployed)


def broken_conditions(spec: Spec, targets: Iterable[Deployed]) -> Iterator[Diagnostic]:
    """An error for each condition of *targets* and of their hosts that has no meaning for the model, unless the table
    itself shows that."""
    found: dict[Span, _Broken] = {}
    for deployed in targets:
        table, placement = deployed.table, deployed.placement
        verdicts = [("", table.name, placement.model)]
        for placed in placement.ops:
            where = f"{placed.op.kind} of `{placed.op.layer}`"
            verdicts.append((where, table.name, placed.verdict))
            if table.host is not None and placed.host is not None:
                verdicts.append((where, table.host.name, placed.host))
        for where, name, verdict in verdicts:
            for reason in verdict.reasons:
                if reason.broken:
                    broken = found.setdefault(reason.span, _Broken(name, deployed.deploy.name, reason))
                    broken.ops.update({where: None} if where else {})
    if not found:
        return
    from qspec.targets.own_tables import table_mistakes  # takes milliseconds, and few tables are broken

    told = [item.span for item in table_mistakes(spec.targets.values())]
    yield from (broken.diagnostic() for span, broken in found.items() if not any(_within(span, one) for one in told))


@dataclass
class _Broken:
    table: str
    deployed: str
    reason: Reason
    ops: dict[str, None] = field(default_factory=dict)

    def diagnostic(self) -> Diagnostic:
        where = f" for {a_few(list(self.ops))}" if self.ops else ""
        message = f"this condition of `{self.table}` has no meaning{where}: {self.reason.message}"
        return INVALID_EXPRESSION.at(self.reason.span, message, help=self.reason.help, target=self.deployed)


def _within(span: Span, told: Span | Place) -> bool:
    """Whether a mistake that is *told* is the one at *span*, or in it."""
    return isinstance(told, Span) and told.source is span.source and told.start < span.end and span.start < told.end
