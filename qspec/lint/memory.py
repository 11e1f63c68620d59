"""What a target's memory cannot hold."""

from __future__ import annotations

from qspec.lint.facts import Deployed

UNTOLD = "the table does not say what becomes of the rest: `memory.excess` does"


def too_much(deployed: Deployed) -> str:
    """A warning, if the target has to hold more parameters than it can and its table does not say what then happens;
    else an empty text."""
    definition, placement = deployed.table.definition, deployed.placement
    room = definition.memory.get("parameters")
    told = definition.excess or deployed.table.asks_for_parameters or placement.refused
    if room is None or placement.parameter_bytes <= room or told:
        return ""
    return f"it holds {room:,} B of parameters, and the model has {placement.parameter_bytes:,} B for it"
