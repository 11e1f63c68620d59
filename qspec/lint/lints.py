"""Every lint rule, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qspec.diagnostics import Diagnostic
from qspec.lint.broken_table import broken_table
from qspec.lint.clipped_input import clipped_input
from qspec.lint.dead_part import dead_part
from qspec.lint.facts import Facts, Lint
from qspec.lint.left_to_host import left_to_host
from qspec.lint.needless_precision import needless_precision
from qspec.lint.not_accepted import not_accepted
from qspec.lint.nothing_quantized import nothing_quantized
from qspec.lint.redundant_rule import redundant_rule
from qspec.lint.refused_model import refused_model
from qspec.lint.requirement_failed import requirement_failed
from qspec.lint.single_channel import single_channel
from qspec.lint.target_warning import target_warning

LINTS: tuple[Lint, ...] = (
    broken_table,
    not_accepted,
    left_to_host,
    refused_model,
    target_warning,
    requirement_failed,
    nothing_quantized,
    redundant_rule,
    clipped_input,
    single_channel,
    needless_precision,
    dead_part,
)


def lint(facts: Facts, lints: Sequence[Lint] = LINTS) -> Iterator[Diagnostic]:
    """What *lints* have to say, in their order."""
    for rule in lints:
        yield from rule(facts)
