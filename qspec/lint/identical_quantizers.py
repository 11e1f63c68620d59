"""QS906, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import IDENTICAL_QUANTIZERS
from qspec.schema.quantizer import Quantizer
from qspec.schema.spec import Spec
from qspec.syntax import tree


def identical_quantizers(spec: Spec) -> Iterator[Diagnostic]:
    """A quantizer of the main file that says what another one says. `quantizer b extends a {}` is a name on purpose."""
    definitions = _definitions(spec)
    unused = {definition.name for definition in spec.symbols.unused}
    first: dict[Quantizer, str] = {}
    for name, quantizer in spec.quantizers.items():
        body = definitions[name].body
        if quantizer.doubtful or quantizer.span is None or not body or name in unused:
            continue
        other = first.setdefault(replace(quantizer, name="", span=None), name)
        if other == name:
            continue
        # Of two files, the main one can be changed.
        told, known = (name, other) if quantizer.span.source.path == spec.symbols.main else (other, name)
        if definitions[told].name.span.source.path == spec.symbols.main:
            yield _reported(definitions[told], definitions[known])


def _definitions(spec: Spec) -> dict[str, tree.Quantizer]:
    definitions: dict[str, tree.Quantizer] = {}
    for file in spec.symbols.files.values():
        for statement in file.statements:
            if isinstance(statement, tree.Quantizer):
                definitions.setdefault(statement.name.text, statement)
    return definitions


def _reported(told: tree.Quantizer, known: tree.Quantizer) -> Diagnostic:
    name, other = told.name.text, known.name.text
    restates = told.base is not None and told.base.text == other
    return IDENTICAL_QUANTIZERS.at(
        told.name.span,
        f"quantizer `{name}` changes nothing of `{other}`, which it extends"
        if restates
        else f"quantizer `{name}` is the same as `{other}`",
        related=((known.name.span, f"`{other}` is defined here"),),
        help=f"use `{other}`; for a second name of the same, write `quantizer {name} extends {other} {{}}`",
    )
