"""The lint rules that look at a spec alone, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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
# They speak of uses and effects: of these, the statement, name, or value that is wrong may be one.
_OF_WHOLE_SPECS: frozenset[SpecLint] = frozenset({general_rule_last, unused_definition, unused_import})
_MISTAKES = ("QS0", "QS1", "QS2")


def lint_spec(
    spec: Spec, diagnostics: Sequence[Diagnostic], lints: Sequence[SpecLint] = SPEC_LINTS
) -> Iterator[Diagnostic]:
    """What *lints* have to say of *spec*. *diagnostics* are those of reading it: where a part of it is wrong, it is not
    known what it was to say or to use."""
    mistaken = any(item.severity is Severity.ERROR and item.code.startswith(_MISTAKES) for item in diagnostics)
    for rule in lints:
        if not (mistaken and rule in _OF_WHOLE_SPECS):
            yield from rule(spec)
