"""Texts to validated specs: `load` and `loads` never raise; what is wrong with a text comes back as diagnostics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from qspec.diagnostics import Diagnostic, Diagnostics, Place, Severity, Source, Span, SpecError
from qspec.diagnostics.catalogue import UNKNOWN_EDITION, UNKNOWN_TARGET
from qspec.schema.deploys import read_deploy
from qspec.schema.imports import Files
from qspec.schema.names import meant, offer
from qspec.schema.resolve import resolve_files
from qspec.schema.shipped import shipped_target, shipped_targets
from qspec.schema.spec import Deploy, Spec
from qspec.syntax import parse, read_source, tree, without_suppressed
from qspec.syntax.recovery import first_reported

__all__ = ["add_deploy", "load", "load_files", "loads", "shipped_target", "shipped_targets", "suppress", "valid"]

Loaded = tuple[Spec | None, tuple[Diagnostic, ...]]


def load(path: str | os.PathLike[str]) -> Loaded:
    """The spec in a file, and what is wrong with it.

    A spec with mistakes is what is left without them, so that it can still be held against a model. There is none if
    the file cannot be read, or is written in another edition of the language.
    """
    source = read_source(path)
    if isinstance(source, Diagnostic):
        return None, (source,)
    return _resolved(source, None)


def loads(text: str, path: str = "<string>", imports: Mapping[str, str] | None = None) -> Loaded:
    """As `load`, of a text. *path* is its name for people, and what imports are relative to.

    With *imports*, texts by path as in `Spec.sources`, no file is read but those that are shipped.
    """
    return _resolved(Source(path, text), imports)


def _resolved(source: Source, texts: Mapping[str, str] | None) -> Loaded:
    return load_files(source, Files(texts, Diagnostics()))


def load_files(source: Source, files: Files) -> Loaded:
    """As `load`, of a text that is there, and of *files* that are to be read as they say."""
    spec, found = resolve_files(source, files), files.found
    main = [item for item in found.items if getattr(item.span, "source", None) is files.sources[source.path]]
    if any(item.code == UNKNOWN_EDITION.code for item in main):
        return None, tuple(main)
    order = {path: number for number, path in enumerate(spec.sources)}
    return spec, tuple(first_reported(sorted(found.items, key=lambda item: _place(item, order))))


def _place(item: Diagnostic, order: Mapping[str, int]) -> tuple[int, int]:
    """Diagnostics stand in the order of the text, those of the main file first."""
    return (order.get(item.span.source.path, -1), item.span.start) if isinstance(item.span, Span) else (-1, 0)


def valid(loaded: Loaded) -> Spec:
    """The spec that `load` or `loads` gave, if it has no mistakes.

    Raises:
        SpecError: with every diagnostic, if any of them is an error.
    """
    spec, diagnostics = loaded
    if spec is None or any(item.severity is Severity.ERROR for item in diagnostics):
        raise SpecError(diagnostics)
    return spec


def add_deploy(spec: Spec, text: str) -> tuple[Spec, tuple[Diagnostic, ...]]:
    """*spec* with a target, of its own or shipped, deployed as *text* says: `edgetpu` with its default options, or with
    options as in a `deploy` statement, `edgetpu(runtime = 13)`.

    Nothing changes if *text* is the name of a target that is deployed already, or of its deployment.
    """
    if any(text in (deploy.name, deploy.target.name) for deploy in spec.deploys):
        return spec, ()
    node, problems = _deploy_statement(text) if "(" in text else (None, ())
    if problems:
        return spec, problems
    name = text if node is None else node.target.text
    target = spec.targets.get(name) or shipped_target(name)
    if target is None:
        hint = meant("TARGETS", name.lower()) or offer("a target", name, [*spec.targets, *shipped_targets()])
        message = f"target `{name}` is not known"
        return spec, (UNKNOWN_TARGET.at(Place(spec.path), message, help=hint, target=name),)
    found = Diagnostics()
    if node is None:
        options = {option: definition.default for option, definition in target.options.items()}
        deploy = Deploy(target=target, options=options, name=name, span=target.span)
    else:
        deploy = read_deploy(node, target, found)
    taken = {other.name for other in spec.deploys}
    deploy = replace(deploy, name=deploy.name if deploy.name not in taken else f"{deploy.name}_")
    return replace(spec, deploys=(*spec.deploys, deploy)), tuple(found.items)


def _deploy_statement(text: str) -> tuple[tree.Deploy | None, tuple[Diagnostic, ...]]:
    """What stands behind `deploy` in a statement, read; or what is wrong with it."""
    file, found = parse(Source("--target", f"deploy {text}\n"))
    errors = tuple(item for item in found if item.severity is Severity.ERROR)
    statements = file.statements
    if not errors and len(statements) == 1 and isinstance(statements[0], tree.Deploy):
        return statements[0], ()
    if errors:
        return None, errors
    message = f"`{text}` is no target with options"
    return None, (UNKNOWN_TARGET.at(Place("--target"), message, help="write `NAME(option = value)`"),)


def suppress(spec: Spec, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """*diagnostics* without those that comments in the spec's files suppress; comments without effect are warned of."""
    sources = {span.source.path: span.source for span in spec.statements}
    sources.setdefault(spec.path, spec.span.source)
    return without_suppressed(diagnostics, sources.values(), spec.statements)
