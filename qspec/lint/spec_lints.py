"""The lint rules that look at a spec alone, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from qspec.diagnostics import Diagnostic, Severity
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
# What would follow from a mistake in the text or, of uses, in a name.
_IN_DOUBT: Mapping[SpecLint, tuple[str, ...]] = {
    general_rule_last: ("QS0",),
    unused_definition: ("QS0", "QS1"),
    unused_import: ("QS0", "QS1"),
}


def lint_spec(
    spec: Spec, diagnostics: Sequence[Diagnostic], lints: Sequence[SpecLint] = SPEC_LINTS
) -> Iterator[Diagnostic]:
    """What *lints* have to say of *spec*. *diagnostics* are those of reading it: where a statement or a name is wrong,
    it is not known what it was to say or to use."""
    errors = [item.code for item in diagnostics if item.severity is Severity.ERROR]
    for rule in lints:
        if not any(code.startswith(_IN_DOUBT.get(rule, ())) for code in errors):
            yield from rule(spec)
