"""The lint rules that look at a spec alone, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from qspec.diagnostics import Diagnostic
from qspec.lint.general_rule_last import general_rule_last
from qspec.lint.identical_quantizers import identical_quantizers
from qspec.lint.shadowed_name import shadowed_name
from qspec.lint.unused_definition import unused_definition
from qspec.lint.unused_import import unused_import
from qspec.schema.spec import Spec

SpecLint = Callable[[Spec], Iterator[Diagnostic]]

SPEC_LINTS: tuple[SpecLint, ...] = (
    general_rule_last,
    unused_definition,
    unused_import,
    shadowed_name,
    identical_quantizers,
)


def lint_tables(spec: Spec) -> Iterator[Diagnostic]:
    """What is wrong in the rows of the targets that *spec* defines itself."""
    if spec.targets:
        from qspec.targets.own_tables import table_mistakes  # most specs define none

        yield from table_mistakes(spec.targets.values())


def lint_spec(spec: Spec, lints: Sequence[SpecLint] = SPEC_LINTS) -> Iterator[Diagnostic]:
    """What *lints* have to say of *spec*, in their order."""
    for rule in lints:
        yield from rule(spec)
