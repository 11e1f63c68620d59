"""What follows from a mistake in the spec, and is not said beside it: verdicts on what was not meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qspec.diagnostics import Diagnostic, Place, Severity, Span
from qspec.diagnostics.catalogue import (
    ADAPTED_GRANULARITY,
    CHANGED_BY_CONSTRAINT,
    CLIPPED_INPUT,
    DUPLICATE_ATTRIBUTE,
    DUPLICATE_NAME,
    INVALID_EXPRESSION,
    INVALID_VALUE,
    LEFT_TO_HOST,
    MEANINGLESS_COMBINATION,
    MISSING_IMPORT,
    NEAR_LIMIT,
    NEEDLESS_PRECISION,
    NOT_ACCEPTED,
    NOTHING_QUANTIZED,
    REDUNDANT_RULE,
    REFUSED_MODEL,
    REQUIREMENT_FAILED,
    SINGLE_CHANNEL,
    TARGET_WARNING,
    UNDEFINED_NAME,
    UNKNOWN_LAYER_ATTRIBUTE,
)
from qspec.schema.spec import Spec

# What is said of the model as a whole, and of one assignment in it.
_OF_THE_MODEL = frozenset(code.code for code in (REFUSED_MODEL, REQUIREMENT_FAILED, NEAR_LIMIT))
_OF_ONE = (NOT_ACCEPTED, LEFT_TO_HOST, TARGET_WARNING, CHANGED_BY_CONSTRAINT, ADAPTED_GRANULARITY)
_VERDICTS = _OF_THE_MODEL | {code.code for code in _OF_ONE}
# What is said where the spec says what it means, and not beside a mistake in it.
_OF_WHOLE_SPECS = frozenset(
    code.code for code in (NOTHING_QUANTIZED, REDUNDANT_RULE, CLIPPED_INPUT, SINGLE_CHANNEL, NEEDLESS_PRECISION)
)
# After these the first definition holds.
_HARMLESS = frozenset(code.code for code in (DUPLICATE_NAME, DUPLICATE_ATTRIBUTE, MISSING_IMPORT))
_OF_VALUES = frozenset(code.code for code in (UNDEFINED_NAME, INVALID_VALUE, MEANINGLESS_COMBINATION))
# Mistakes of a condition that show only against a model: the rule then matches nothing.
_OF_CONDITIONS = frozenset({INVALID_EXPRESSION.code, UNKNOWN_LAYER_ATTRIBUTE.code})
_WITHOUT_EFFECT_ON_TENSORS = frozenset({"require", "deploy", "calibrate", "train", "qspec", "import"})
_WORD = re.compile(r"\w*")


@dataclass(frozen=True)
class Doubts:
    """What the mistakes of a spec leave open, if it is `mistaken`: everything, its own targets (by the names of their
    deployments), or the assignments with these values."""

    mistaken: bool = False
    everything: bool = False
    targets: frozenset[str] = frozenset()
    values: frozenset[Span | Place] = frozenset()

    def certain(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Those of *diagnostics* that hold whatever was meant."""
        return (diagnostic for diagnostic in diagnostics if not self._concern(diagnostic))

    def _concern(self, diagnostic: Diagnostic) -> bool:
        if diagnostic.code not in _VERDICTS:
            of_value = diagnostic.code == INVALID_VALUE.code and diagnostic.span in self.values
            return of_value or (diagnostic.code in _OF_WHOLE_SPECS and self.mistaken)
        if diagnostic.severity is Severity.NOTE and diagnostic.code == LEFT_TO_HOST.code:
            return self.mistaken  # what `default` brings is for those who have a spec that says what they mean
        of_values = diagnostic.span in self.values or (bool(self.values) and diagnostic.code in _OF_THE_MODEL)
        of_targets = diagnostic.target in self.targets or (bool(self.targets) and diagnostic.code == _REQUIREMENT)
        return self.everything or of_values or of_targets


_REQUIREMENT = REQUIREMENT_FAILED.code


def doubts(spec: Spec, diagnostics: Iterable[Diagnostic], of_plan: Iterable[Diagnostic] = ()) -> Doubts:
    """What *diagnostics*, those of reading *spec*, leave open, and of those of its plan the mistakes in conditions."""
    errors = [item for item in diagnostics if item.severity is Severity.ERROR]
    if not errors:
        # What the other rules assign holds, and is judged.
        return Doubts(mistaken=any(item.code in _OF_CONDITIONS for item in of_plan))
    assignments = (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments))
    values = frozenset(one.value_span for one in assignments if one.quantizer is not None and one.quantizer.doubtful)
    words = [_statement(spec, item) for item in errors]
    everything = spec.incomplete or any(
        _leaves_everything_open(spec, item, *found) for item, found in zip(errors, words, strict=True)
    )
    own = [deploy for deploy in spec.deploys if deploy.target.name in spec.targets]
    broken = any(word == "target" for word, _ in words)
    names = frozenset(name for deploy in own for name in (deploy.name, deploy.target.name)) if broken else frozenset()
    return Doubts(True, everything, names, values)


def _statement(spec: Spec, item: Diagnostic) -> tuple[str, Span | None]:
    """The statement in which a mistake stands, after its first word; none if it could not be read."""
    span = item.span
    if isinstance(span, Span):
        for statement in spec.statements:
            if statement.source is span.source and statement.start <= span.start <= statement.end:
                found = _WORD.match(span.source.text, statement.start)
                return (found.group() if found else ""), statement
    return "", None


def _leaves_everything_open(spec: Spec, item: Diagnostic, word: str, statement: Span | None) -> bool:
    if item.code in _HARMLESS or word in _WITHOUT_EFFECT_ON_TENSORS or word == "target":
        return False
    if word == "quantizer":
        return item.code.startswith("QS0")
    if word == "default" or (word == "rule" and any(rule.statement == statement for rule in spec.rules)):
        # The value alone is left out, and what is assigned instead is known to be in doubt.
        return item.code not in _OF_VALUES
    return True
