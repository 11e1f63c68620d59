"""QS408, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import DEPRECATED_TARGET
from qspec.schema.spec import Spec


def deprecated_target(spec: Spec) -> Iterator[Diagnostic]:
    """A deployed target is deprecated by those who make it."""
    for deploy in spec.deploys:
        deprecation = deploy.target.deprecated
        if deprecation is not None:
            yield DEPRECATED_TARGET.at(
                deploy.span,
                f"`{deploy.target.name}` is deprecated: {deprecation.reason}",
                related=((deprecation.span, "the target says so"),),
                help="`# qspec: ignore[QS408]`, or `--ignore QS408` for the command, keeps it without this warning",
                target=deploy.name,
            )
