"""A placement for people: one block per target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qspec.lint.facts import Deployed

_MOST_LAYERS = 4


def placement_text(deployed: Deployed) -> str:
    """`coral (Coral Edge TPU): 12 of 14 ops accelerated, 86% of the compute, 1 partition`, and what is not, and why."""
    return "\n".join(_lines(deployed))


def _lines(deployed: Deployed) -> Iterator[str]:
    placement, definition = deployed.placement, deployed.table.definition
    title = f" ({definition.title})" if definition.title else ""
    if placement.refused:
        yield f"{deployed.deploy.name}{title}: refuses the whole model"
        yield from (f"  {reason.message}" for reason in dict.fromkeys(placement.refused))
        return
    fast = sum(placed.accelerated for placed in placement.ops)
    if deployed.table.host is None:
        yield f"{deployed.deploy.name}{title}: runs {fast} of {len(placement.ops)} ops"
    else:
        pieces = f"{placement.partitions} partition{'' if placement.partitions == 1 else 's'}"
        coverage = f"{placement.coverage:.3g}% of the compute ops"
        yield f"{deployed.deploy.name}{title}: {fast} of {len(placement.ops)} ops accelerated, {coverage}, {pieces}"
    room = definition.memory.get("parameters")
    if room is not None:
        yield f"  parameters: {placement.parameter_bytes / 2**20:.2f} of {room / 2**20:.2f} MiB"
    yield from _left(deployed)
    doubtful = [placed for placed in placement.ops if placed.accelerated and placed.verdict.unverified is not None]
    if doubtful:
        kinds = ", ".join(dict.fromkeys(placed.op.kind for placed in doubtful))
        yield f"  unverified, no source settles these rows: {kinds}"


def _left(deployed: Deployed) -> Iterator[str]:
    grouped: dict[tuple[str, str, bool], list[str]] = {}
    behind = [placed for placed in deployed.placement.ops if not placed.accelerated and placed.verdict.accepted]
    for placed in deployed.placement.ops:
        if not placed.accelerated and not placed.verdict.accepted:
            reasons = "; ".join(dict.fromkeys(reason.message for reason in placed.why))
            grouped.setdefault((placed.op.kind, reasons, placed.runs), []).append(placed.op.layer)
    host = deployed.table.host
    for (kind, reasons, runs), layers in grouped.items():
        where = f"on {host.name}" if runs and host is not None else "nowhere"
        names = ", ".join(layers[:_MOST_LAYERS]) + (", …" if len(layers) > _MOST_LAYERS else "")
        count = f"{len(layers)} " if len(layers) > 1 else ""
        yield f"  {where}: {count}{kind} ({names}): {reasons}"
    if behind and host is not None:
        whole = "" if deployed.placement.model.accepted else ", if it took the model"
        where = "behind these" if deployed.placement.model.accepted else "as well"
        yield f"  on {host.name}: {len(behind)} more {where}, which {deployed.table.name} would take{whole}"
