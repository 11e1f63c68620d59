"""QS408, which asks for no model."""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import DEPRECATED_TARGET
from qspec.schema.spec import Spec


def deprecated_target(spec: Spec) -> Iterator[Diagnostic]:
    """A deployed target is deprecated by those who make it.

    ## Why it matters
    The model runs on the devices of today. Those to come may not take it, and nobody mends what goes wrong.

    ## Example
        deploy nnapi(api = 30) as phone

    Keep it for the devices that are out there, with `# qspec: ignore[QS408]`, and choose another target beside it.
    """
    for deploy in spec.deploys:
        deprecation = deploy.target.deprecated
        if deprecation is not None:
            yield DEPRECATED_TARGET.at(
                deploy.span,
                f"`{deploy.target.name}` is deprecated: {deprecation.reason}",
                related=((deprecation.span, "the target says so"),),
                help="`# qspec: ignore[QS408]` keeps it without this warning",
                target=deploy.name,
            )
