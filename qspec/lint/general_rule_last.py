"""QS312, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import GENERAL_RULE_LAST
from qspec.plan.general_rules import hidden_rules
from qspec.schema.spec import Spec

_MOST = 3  # rules that are shown


def general_rule_last(spec: Spec) -> Iterator[Diagnostic]:
    """A rule for every layer behind narrower ones that it takes all effect from."""
    for general, hidden in hidden_rules(spec.rules).items():
        names = ", ".join(f"`{rule.name}`" for rule in hidden[:_MOST])
        more = f" and {len(hidden) - _MOST} more" if len(hidden) > _MOST else ""
        verb = "have" if len(hidden) > 1 else "has"
        yield GENERAL_RULE_LAST.at(
            general.span,
            f"rule `{general.name}` is for every layer and comes behind {names}{more}, which {verb} no effect",
            related=tuple((rule.span, f"`{general.name}` assigns the same again") for rule in hidden[:_MOST]),
            help=f"the last rule wins: move `{general.name}` before them, or make it the `default`",
        )
