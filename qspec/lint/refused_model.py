"""QS403"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REFUSED_MODEL
from qspec.lint.facts import Facts


def refused_model(facts: Facts) -> Iterator[Diagnostic]:
    """A deployed target rejects the model as a whole.

    ## Why it matters
    This is neither accelerated nor left to the host: the target's compiler ends with an error, and there is no file.

    ## Example
        deploy edgetpu as coral
        input { batch = dynamic }      # the compiler takes no dynamic dimension

    The related place is the line of the target's table that says so.
    """
    for deployed in facts.deployed:
        name = deployed.deploy.name
        for reason in dict.fromkeys(deployed.placement.refused):
            yield REFUSED_MODEL.at(
                deployed.deploy.span,
                f"`{name}` refuses the whole model: {reason.message}",
                related=((reason.span, f"{deployed.table.name} says so"),),
                help=reason.help,
                target=name,
            )
