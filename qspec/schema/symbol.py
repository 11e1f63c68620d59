"""A name that a spec defines, and a place that speaks of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from qspec.diagnostics import Span

Kind = Literal["quantizer", "pattern", "capture", "rule", "target", "option", "deploy", "layer class", "file"]


class Definition(NamedTuple):
    """Something that has a name. `span` is the name; `statement` all that defines it, None where it could not be read.

    `scope` is the rule or the pattern in which a capture is known, None for what is known everywhere. `owner` is the
    target of an option. A deploy without a name of its own has its target's: a reference stands there, too.
    """

    kind: Kind
    name: str
    span: Span
    statement: Span | None
    scope: Span | None = None
    owner: str = ""


class Reference(NamedTuple):
    """A place that speaks of something by its name; of a file, by its path. `definition` is None where nothing of that
    name is defined in the spec: a mistake, unless it is a layer class of Keras or a target that is shipped.

    `owner` is the target of an option.
    """

    kind: Kind
    name: str
    span: Span
    definition: Definition | None
    owner: str = ""
