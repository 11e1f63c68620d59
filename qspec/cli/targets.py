"""`qspec targets`"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qspec.cli.output import colored, print_diagnostics, width
from qspec.diagnostics import Diagnostic, Place, Severity, SpecError
from qspec.diagnostics.catalogue import INVALID_OPTION, UNKNOWN_TARGET
from qspec.diagnostics.json_format import document
from qspec.lint import Report, check
from qspec.schema import load, shipped_target, shipped_targets
from qspec.schema.names import meant, offer
from qspec.schema.operands import written
from qspec.schema.target import Condition, Form, Group, Operand, OptionDefinition, Row, TargetDefinition
from qspec.schema.targets import allowed_values, allows
from qspec.targets.scope import spelled
from qspec.targets.settled import Settled, settle


@dataclass(frozen=True)
class Listed:
    """A target, with the options that were chosen for it."""

    definition: TargetDefinition
    settled: Settled
    options: Mapping[str, int | float | str] = field(default_factory=dict)


def run(arguments: argparse.Namespace) -> int:
    """List the shipped targets, or print the table of one; 1 if there is no such target or option."""
    found: tuple[Diagnostic, ...] = ()
    if arguments.name is None:
        definitions = [target for name in shipped_targets() if (target := shipped_target(name)) is not None]
    else:
        definitions, found = named(arguments.name)
    chosen = _chosen(arguments.option, definitions)
    listed = [
        Listed(one, settle(one, mine), mine)
        for one in definitions
        for mine in [{name: value for name, value in chosen.items() if name in one.options}]
    ]
    whole = arguments.name is not None
    if arguments.format == "json":
        targets = [target_data(one, whole) for one in listed]
        print(json.dumps(document(found, {"targets": targets}), indent=2, ensure_ascii=False))
    else:
        from qspec.cli.targets_text import overview, table

        for line in table(listed, width(), colored()) if whole else overview(listed, width()):
            print(line)
        if found:
            print()
            print_diagnostics(found)
    return 0 if Report(found).ok else 1


def named(name: str) -> tuple[list[TargetDefinition], tuple[Diagnostic, ...]]:
    """The shipped target of that name, or those that the `.qspec` file of that name defines, and what is wrong there.

    Raises:
        SpecError: there is no such target, or the file defines none.
    """
    if not name.endswith(".qspec") and os.sep not in name:
        target = shipped_target(name)
        if target is None:
            known = meant("TARGETS", name.lower()) or offer("a target", name, shipped_targets())
            hint = f"{known}; a file that defines targets ends in `.qspec`"
            message = f"target `{name}` is not known"
            raise SpecError([UNKNOWN_TARGET.at(Place("qspec targets"), message, help=hint, target=name)])
        return [target], ()
    spec, diagnostics = load(name)
    if spec is None:
        raise SpecError(diagnostics)
    found = tuple(item for item in check(spec, diagnostics=diagnostics).diagnostics if item.severity is Severity.ERROR)
    if not spec.targets:
        raise SpecError([*found, UNKNOWN_TARGET.at(Place(name), "the file defines no target", help=_DEFINE)])
    return list(spec.targets.values()), found


_DEFINE = "a target is defined by `target NAME on tflite { … }`"


def _chosen(texts: Iterable[str], definitions: Sequence[TargetDefinition]) -> dict[str, int | float | str]:
    """The options given as `NAME=VALUE`; every one must suit a target that has it."""
    chosen: dict[str, int | float | str] = {}
    problems: list[Diagnostic] = []
    known = {name: option for one in definitions for name, option in one.options.items()}
    for text in texts:
        name, equals, value = text.partition("=")
        option = known.get(name)
        if option is None:
            hint = offer("an option", name, known) if known else "remove it: the target takes no options"
            problems.append(INVALID_OPTION.at(Place(f"--option {text}"), f"there is no option `{name}`", help=hint))
        elif not equals:
            hint = f"write `--option {name}=VALUE`: {allowed_values(option)}"
            problems.append(INVALID_OPTION.at(Place(f"--option {text}"), f"`{name}` has no value", help=hint))
        elif not allows(option, typed := _typed(value, option)):
            message = f"the option `{name}` cannot be `{value}`"
            problems.append(INVALID_OPTION.at(Place(f"--option {text}"), message, help=allowed_values(option)))
        else:
            chosen[name] = typed
    if problems:
        raise SpecError(problems)
    return chosen


def _typed(text: str, option: OptionDefinition) -> int | float | str:
    """*text* as a number where the option is one and the text can be one; a text with or without its quotes."""
    if isinstance(option.default, str):
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
        return text[1:-1] if quoted else text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


# ---- JSON


def target_data(listed: Listed, whole: bool) -> dict[str, Any]:
    """A target as plain data, the public contract of `--format json`; its rows only if it is wanted *whole*."""
    definition = listed.definition
    data: dict[str, Any] = {
        "name": definition.name,
        "title": definition.title,
        "host": definition.host.name if definition.host else None,
        "partition": definition.partition,
        "memory": dict(definition.memory),
        "excess": definition.excess,
        "deprecated": definition.deprecated.reason if definition.deprecated else None,
        "options": [_option_data(option, listed.options.get(name)) for name, option in definition.options.items()],
        "ops": list(listed.settled.ops),
    }
    if whole:
        data["sources"] = _sources_data(definition)
        data["model"] = [_condition_data(one) for one in listed.settled.model]
        data["conditions"] = [_condition_data(one) for one in listed.settled.conditions]
        data["rows"] = [_row_data(row) for row in listed.settled.taken]
        data["not_taken"] = [{**_row_data(row), "reasons": list(why)} for row, why in listed.settled.left]
    return data


def _option_data(option: OptionDefinition, chosen: int | float | str | None) -> dict[str, Any]:
    values: Any = list(option.choices) if option.choices is not None else None
    limits = list(option.limits) if option.limits is not None else None
    return {"name": option.name, "default": option.default, "chosen": chosen, "values": values, "range": limits}


def _sources_data(part: TargetDefinition | Row) -> list[dict[str, str]]:
    return [{"text": source.text, "read": source.read} for source in part.sources]


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "ops": list(row.kinds),
        "except": list(row.exceptions),
        "when": spelled(row.when) if row.when is not None else None,
        "forms": [{"name": form.name, **_part_data(form), "unverified": form.unverified} for form in row.forms],
        **_part_data(row),
        "sources": _sources_data(row),
        "unverified": row.unverified,
    }


def _part_data(part: Row | Form | Group) -> dict[str, Any]:
    return {
        "operands": [_operand_data(operand) for operand in part.operands],
        "conditions": [_condition_data(condition) for condition in part.conditions],
        "groups": [{"when": spelled(group.condition), **_part_data(group)} for group in part.groups],
    }


def _operand_data(operand: Operand) -> dict[str, Any]:
    return {
        "name": operand.name,
        "position": operand.key,
        "constant": operand.constant,
        "types": operand_types(operand),
    }


def operand_types(operand: Operand) -> list[str]:
    """The alternatives as they are written: `int8 symmetric per_channel(0)`."""
    return [written(words) for words in operand.types]


def _condition_data(condition: Condition) -> dict[str, str]:
    return {"kind": condition.kind, "condition": spelled(condition.condition), "reason": condition.reason}
