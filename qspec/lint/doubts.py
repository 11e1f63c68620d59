"""What is held back beside a mistake in the spec, so that one mistake is told once: verdicts on what was not meant.

`HELD_BACK` decides it, for every code; what it does not name is said whatever else is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from qspec.diagnostics import Diagnostic, Place, Severity, Span
from qspec.diagnostics.catalogue import (
    ADAPTED_GRANULARITY,
    CHANGED_BY_CONSTRAINT,
    CLIPPED_INPUT,
    DEAD_PART,
    DEPRECATED_TARGET,
    DUPLICATE_ATTRIBUTE,
    DUPLICATE_NAME,
    DYNAMIC_SHAPE,
    FLOAT_ISLAND,
    GENERAL_RULE_LAST,
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
    REQUANTIZATION,
    REQUIREMENT_FAILED,
    RULES_NOT_CHECKED,
    SINGLE_CHANNEL,
    SYNTAX_ERROR,
    TARGET_WARNING,
    UNDEFINED_NAME,
    UNKNOWN_LAYER_ATTRIBUTE,
    UNUSED_DEFINITION,
    UNUSED_IMPORT,
    UNUSED_SUPPRESSION,
)
from qspec.diagnostics.codes import find_code
from qspec.schema import suppress
from qspec.schema.spec import Spec

Against = Literal["nothing", "model", "file"]


class Open(Enum):
    """What a mistake can leave open."""

    USES = "what is used and what has an effect: the statement, name or value that is wrong may be a use"
    MEANING = "what the spec means, wherever it is wrong"
    DEFAULTS = "what `default` brings, which is told of a spec that says what it means"
    ROWS = "which rows a table has, in a text that could not be read as a whole"
    EVERYTHING = "what any tensor becomes"
    VALUE = "the value that is assigned here"
    VALUES = "the value that is assigned somewhere"
    TARGET = "what this target takes"
    TARGETS = "what one of the targets takes"
    SUPPRESSED = "whether what a comment suppresses would arise in the spec that was meant, or against something else"


_ONE_ASSIGNMENT = (Open.EVERYTHING, Open.VALUE, Open.TARGET)
_WHOLE_MODEL = (Open.EVERYTHING, Open.VALUES, Open.TARGET)

HELD_BACK: Mapping[str, tuple[Open, ...]] = {
    code.code: each
    for code, each in {
        GENERAL_RULE_LAST: (Open.USES,),
        UNUSED_DEFINITION: (Open.USES,),
        UNUSED_IMPORT: (Open.USES,),
        UNUSED_SUPPRESSION: (Open.SUPPRESSED,),
        INVALID_VALUE: (Open.VALUE,),
        MEANINGLESS_COMBINATION: (Open.ROWS,),
        CHANGED_BY_CONSTRAINT: _ONE_ASSIGNMENT,
        ADAPTED_GRANULARITY: _ONE_ASSIGNMENT,
        NOTHING_QUANTIZED: (Open.MEANING,),
        REDUNDANT_RULE: (Open.MEANING,),
        CLIPPED_INPUT: (Open.MEANING,),
        SINGLE_CHANNEL: (Open.MEANING,),
        NEEDLESS_PRECISION: (Open.MEANING,),
        DEAD_PART: (Open.MEANING,),
        NOT_ACCEPTED: _ONE_ASSIGNMENT,
        LEFT_TO_HOST: (*_ONE_ASSIGNMENT, Open.DEFAULTS),
        TARGET_WARNING: _ONE_ASSIGNMENT,
        REFUSED_MODEL: _WHOLE_MODEL,
        NEAR_LIMIT: _WHOLE_MODEL,
        REQUIREMENT_FAILED: (*_WHOLE_MODEL, Open.TARGETS),
    }.items()
}
"""By code, what it rests on: where one of it is open, what would be said is not said."""

# After these the first definition holds.
_HARMLESS = frozenset(code.code for code in (DUPLICATE_NAME, DUPLICATE_ATTRIBUTE, MISSING_IMPORT))
_OF_VALUES = frozenset(code.code for code in (UNDEFINED_NAME, INVALID_VALUE, MEANINGLESS_COMBINATION))
# Mistakes of a condition that show only against a model: the rule then matches nothing.
_OF_CONDITIONS = frozenset({INVALID_EXPRESSION.code, UNKNOWN_LAYER_ATTRIBUTE.code})
_WITHOUT_EFFECT_ON_TENSORS = frozenset({"require", "deploy", "calibrate", "train", "qspec", "import"})
_MAY_BE_USES = ("QS0", "QS1", "QS2")
_ALONE = (GENERAL_RULE_LAST.code, DEPRECATED_TARGET.code, "QS9")
_OF_FILES = (TARGET_WARNING, FLOAT_ISLAND, DYNAMIC_SHAPE, REQUANTIZATION, RULES_NOT_CHECKED)
# What a spec is held against, and the codes, or families of them, that can arise then.
_LOOKED_FOR: Mapping[Against, tuple[str, ...]] = {
    "nothing": _ALONE,
    "model": (*_ALONE, "QS3", "QS4"),
    "file": (*_ALONE, *(code.code for code in _OF_FILES)),
}
_WORD = re.compile(r"\w*")


@dataclass(frozen=True)
class Doubts:
    """What the mistakes of a spec leave open: the fields are as the members of `Open`. `targets` are names of targets
    and of their deployments, `values` places of assigned values."""

    spec: Spec
    against: Against = "nothing"
    uses: bool = False
    meaning: bool = False
    rows: bool = False
    everything: bool = False
    targets: frozenset[str] = frozenset()
    values: frozenset[Span | Place] = frozenset()

    def certain(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Those of *diagnostics*, which are no mistakes of reading, that hold whatever was meant."""
        return (said for said in diagnostics if not any(self._is_open(each, said) for each in _rests_on(said)))

    def told(self, said: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """What is *said*, without what the spec's comments suppress; then which of these certainly do nothing."""
        kept = suppress(self.spec, said)
        unused = [item for item in kept if item.code == UNUSED_SUPPRESSION.code]
        return (*(item for item in kept if item.code != UNUSED_SUPPRESSION.code), *self.certain(unused))

    def _is_open(self, what: Open, said: Diagnostic) -> bool:
        match what:
            case Open.DEFAULTS:
                return self.meaning and _statement(self.spec, said)[0] != "rule"
            case Open.ROWS:
                return self.rows and _statement(self.spec, said)[0] == "target"
            case Open.VALUE:
                return said.span in self.values
            case Open.TARGET:
                return said.target in self.targets
            case Open.SUPPRESSED:
                return self._may_arise(said)
            case Open.VALUES | Open.TARGETS:
                return bool(self.values if what is Open.VALUES else self.targets)
            case Open.USES:
                return self.uses
            case Open.MEANING:
                return self.meaning
            case Open.EVERYTHING:
                return self.everything

    def _may_arise(self, unused: Diagnostic) -> bool:
        """Whether what a comment suppresses, which did not arise, may do so in the spec that was meant, or where it is
        held against something else. Of what is no code, or an error, a comment suppresses nothing anywhere."""
        span = unused.span
        code = find_code(span.source.text[span.start : span.end]) if isinstance(span, Span) else None
        if code is None or code.severity is Severity.ERROR:
            return False
        return self.meaning or not code.code.startswith(_LOOKED_FOR[self.against])


def _rests_on(said: Diagnostic) -> tuple[Open, ...]:
    return HELD_BACK.get(said.code, ())


def doubts(
    spec: Spec,
    mistakes: Iterable[Diagnostic],
    of_tables: Iterable[Diagnostic] = (),
    of_plan: Iterable[Diagnostic] = (),
    against: Against = "nothing",
) -> Doubts:
    """What mistakes leave open: those of reading *spec*, those in its own tables, and among what is said of its plan
    those in conditions. *against* is what it is held against."""
    read = [item for item in mistakes if item.severity is Severity.ERROR]
    errors = [*read, *(item for item in of_tables if item.severity is Severity.ERROR)]
    if not errors:
        # What the other rules assign holds, and is judged.
        return Doubts(spec, against, meaning=any(item.code in _OF_CONDITIONS for item in of_plan))
    assignments = (*spec.default, *(assignment for rule in spec.rules for assignment in rule.assignments))
    words = [_statement(spec, item) for item in errors]
    own = [deploy for deploy in spec.deploys if deploy.target.name in spec.targets]
    broken = own if any(word == "target" for word, _ in words) else []
    return Doubts(
        spec,
        against,
        uses=any(item.code.startswith(_MAY_BE_USES) for item in read),
        meaning=True,
        rows=any(item.code == SYNTAX_ERROR.code for item in read),
        everything=spec.incomplete
        or any(_leaves_everything_open(spec, item, *found) for item, found in zip(errors, words, strict=True)),
        targets=frozenset(name for deploy in broken for name in (deploy.name, deploy.target.name)),
        values=frozenset(one.value_span for one in assignments if one.quantizer is not None and one.quantizer.doubtful),
    )


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
