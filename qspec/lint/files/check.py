"""`check` of a `.tflite` file: every rule about files, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import UNKNOWN_TARGET
from qspec.lint.doubts import doubts
from qspec.lint.files.dynamic_shape import dynamic_shape
from qspec.lint.files.facts import FileFacts, FileLint, gather
from qspec.lint.files.float_island import float_island
from qspec.lint.files.invalid_file import invalid_file, order_problems
from qspec.lint.files.invalid_parameters import invalid_parameters
from qspec.lint.files.missing_parameters import missing_parameters
from qspec.lint.files.requantization import requantization
from qspec.lint.files.requirements import boundary_differs, file_requirement_failed
from qspec.lint.files.rules_not_checked import rules_not_checked
from qspec.lint.files.targets import file_not_accepted, file_refused, file_warning, targets_themselves
from qspec.lint.files.wrong_bias_scale import wrong_bias_scale
from qspec.lint.report import Report
from qspec.lint.spec_lints import lint_spec, lint_tables
from qspec.schema import add_deploy, loads

if TYPE_CHECKING:
    from qspec.graph.tflite_file import TfliteFile
    from qspec.schema.spec import Spec

FILE_LINTS: tuple[FileLint, ...] = (
    invalid_file,
    invalid_parameters,
    missing_parameters,
    wrong_bias_scale,
    file_not_accepted,
    file_refused,
    file_warning,
    float_island,
    dynamic_shape,
    requantization,
    file_requirement_failed,
    boundary_differs,
    rules_not_checked,
    targets_themselves,
)

_RUNTIME = "tflite"


@dataclass(frozen=True)
class FileReport(Report):
    """What `check` found in a `.tflite` file."""

    file: TfliteFile | None = None

    @cached_property
    def size(self) -> int | None:
        """The file's bytes."""
        return self.file.size if self.file is not None else None

    def to_dict(self) -> dict[str, Any]:
        """As of any report. The entry of `file` tells what was read, where of a model it is predicted."""
        found = super().to_dict()
        if self.file is not None:
            found["file"] = [{"size": self.file.size, "ops": len(self.file.main.graph.ops), "requantized": None}]
        return found


def check_file(
    file: TfliteFile,
    spec: Spec | None = None,
    diagnostics: Iterable[Diagnostic] = (),
    targets: Sequence[str] = (),
    lints: Sequence[FileLint] = FILE_LINTS,
) -> Report:
    """Hold *file* against *spec*, its targets and *targets*; without any of them, against LiteRT's own kernels.

    *diagnostics* are those of reading the spec.
    """
    alone = spec is None
    spec = spec or empty_spec(file.path)
    found = list(diagnostics)
    hygiene = [] if alone else [*doubts(spec, found).certain(lint_spec(spec))]
    for target in targets or ([] if spec.deploys else [_RUNTIME]):
        spec, more = add_deploy(spec, target)
        found += [_of_a_spec(item, file.path) for item in more] if alone else more
    runs = not any(True for _ in order_problems(file.main))
    facts = gather(spec, file) if runs else FileFacts(spec, file, ())
    known = doubts(spec, found)
    tables = tuple(known.certain(lint_tables(spec)))
    known = doubts(spec, found, tables, against="file")
    verdicts = known.certain(_said(facts, lints))
    return FileReport(known.told(dict.fromkeys((*found, *tables, *hygiene, *verdicts))), facts.deployed, file=file)


def _of_a_spec(unknown: Diagnostic, path: str) -> Diagnostic:
    """An unknown target of a file by itself may stand in somebody's spec."""
    own = f"a target of your own stands in a spec: `qspec check SPEC.qspec --model {path}`"
    return replace(unknown, help=f"{unknown.help}; {own}") if unknown.code == UNKNOWN_TARGET.code else unknown


def empty_spec(path: str) -> Spec:
    """A spec that says nothing, in the name of the file at *path*."""
    spec, _ = loads("qspec 1\n", path)
    assert spec is not None
    return spec


def _said(facts: FileFacts, lints: Sequence[FileLint]) -> Iterator[Diagnostic]:
    for rule in lints:
        yield from rule(facts)
