"""A placement for people: one block per target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qspec.plan.runtime import unverified
from qspec.targets import Coverage, Obstacle, Outcome

if TYPE_CHECKING:
    from qspec.lint.facts import Deployed

_MOST_NAMES = 4
_MOST_OBSTACLES = 8
_MOST_STEPS = 3


def placement_text(deployed: Deployed) -> str:
    """`coral (Coral Edge TPU): 12 of 14 ops accelerated, 86% of the compute ops, 1 partition`, what is left to the
    host, why, and what it would bring to change it."""
    return "\n".join(_lines(deployed))


def cut_text(deployed: Deployed) -> str:
    """Which layers to change to have the whole model on the target, the first ones first, and what would be covered by
    then; empty if there are none."""
    obstacles = deployed.placement.obstacles
    if not obstacles:
        return ""
    steps = [f"{_named(each)}{f', {_percent(each.gain.in_turn.ops)}' if each.gain else ''}" for each in obstacles]
    more = f"; and {len(steps) - _MOST_STEPS} more" if len(steps) > _MOST_STEPS else ""
    return f"to have the whole model on {deployed.deploy.name}, change {'; then '.join(steps[:_MOST_STEPS])}{more}"


def _named(obstacle: Obstacle) -> str:
    """`prelu_1` and 11 more (PRELU); the reasons stand beside it, at the rows that give them."""
    if not obstacle.ops:
        return f"the model ({_messages(obstacle)})"
    first, *others = obstacle.layers or ("",)
    more = f" and {len(others)} more" if others else ""
    where = f"`{first}`{more} " if first else ""
    return f"{where}({_few_names(obstacle.kinds)})"


def kinds_text(kinds: Counter[str]) -> str:
    """How many ops there are of each kind, the most first: `4 CONV_2D, ADD`; of many kinds, a few."""
    told = [kind if count == 1 else f"{count} {kind}" for kind, count in kinds.most_common(_MOST_NAMES)]
    others = len(kinds) - len(told)
    return ", ".join(told) + (f" and {others} kind{'s' if others > 1 else ''} more" if others else "")


def _lines(deployed: Deployed) -> Iterator[str]:
    placement, definition = deployed.placement, deployed.table.definition
    chosen = [f"{name} {value}" for name, value in deployed.table.options.items()]
    known = ", ".join([*([definition.title] if definition.title else []), *chosen])
    title = f"{deployed.deploy.name}{f' ({known})' if known else ''}"
    if placement.refused:
        yield f"{title}: refuses the whole model"
        refusing = (each for each in placement.obstacles if each.verdict.outcome is Outcome.REFUSED)
        yield from _few([f"  {_why(each)}" for each in refusing])
        return
    fast = sum(placed.accelerated for placed in placement.ops)
    if deployed.table.host is None:
        yield f"{title}: runs {fast} of {len(placement.ops)} ops"
    else:
        pieces = f"{placement.partitions} partition{'' if placement.partitions == 1 else 's'}"
        coverage = f"{_percent(placement.coverage)} of the compute ops"
        yield f"{title}: {fast} of {len(placement.ops)} ops accelerated, {coverage}, {pieces}"
    yield from _amounts(deployed)
    yield from _left(deployed)
    grouped: dict[str, dict[str, None]] = {}
    for placed in placement.ops:
        if placed.accelerated and placed.verdict.unverified is not None:
            grouped.setdefault(unverified(placed.verdict), {})[placed.op.kind] = None
    yield from (f"  unverified: {', '.join(kinds)}: {why}" for why, kinds in grouped.items())


def _amounts(deployed: Deployed) -> Iterator[str]:
    placement, definition = deployed.placement, deployed.table.definition
    room = definition.memory.get("parameters")
    if room is not None:
        unit, name = (2**20, "MiB") if room >= 2**20 else (2**10, "KiB")
        beyond = f"; {definition.excess or 'that is more than it holds'}" if placement.parameter_bytes > room else ""
        yield f"  parameters: {placement.parameter_bytes / unit:.2f} of {room / unit:.2f} {name}{beyond}"
    if placement.covered != Coverage() and deployed.table.host is not None:
        macs = f"{_percent(placement.covered.macs)} of {_count(placement.macs)} multiply-accumulates"
        parameters = f"{_percent(placement.covered.parameters)} of {amount(placement.total_parameters)} of parameters"
        yield f"  {macs}, {parameters}"


def _left(deployed: Deployed) -> Iterator[str]:
    host, placement = deployed.table.host, deployed.placement
    lines = []
    for number, obstacle in enumerate(placement.obstacles):
        where = f"on {host.name}" if obstacle.runs and host is not None else "nowhere"
        lines.append(f"  {where}: {_why(obstacle)}{_gain(obstacle, number) if host is not None else ''}")
    yield from _few(lines)
    told = {op.index for obstacle in placement.obstacles for op in obstacle.ops}
    edges = [each.op for each in placement.ops if each.edge and not each.accelerated and each.op.index not in told]
    if edges and host is not None:
        names = _few_names([f"{op.kind} ({op.layer})" if op.layer else op.kind for op in edges])
        yield f"  on {host.name}, at the model's edges: {names}"
    behind = sum(not placed.accelerated and placed.verdict.accepted and not placed.edge for placed in placement.ops)
    if behind and host is not None:
        whole = "" if placement.model.accepted else ", if it took the model"
        where = "behind these" if placement.model.accepted else "as well"
        yield f"  on {host.name}: {behind} more {where}, which {deployed.table.name} would take{whole}"


def _few(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST_OBSTACLES]
    if len(lines) > _MOST_OBSTACLES:
        more = len(lines) - _MOST_OBSTACLES
        yield f"  … and {more} more reason{'' if more == 1 else 's'} (`--format json` has all)"


def _members(obstacle: Obstacle) -> str:
    """`2 CONV_2D (stem, block/sep): `, of several kinds `7 ops (CONV_2D, ADD): `."""
    if not obstacle.ops:
        return "all: "
    if len(obstacle.kinds) > 1:
        return f"{len(obstacle.ops)} ops ({_few_names(obstacle.kinds)}): "
    layers = [op.layer for op in obstacle.ops]
    count = f"{len(layers)} " if len(layers) > 1 else ""
    return f"{count}{obstacle.kinds[0]} ({_few_names(layers)}): "


def _few_names(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")


def _messages(obstacle: Obstacle) -> str:
    doubt = f" ({unverified(obstacle.verdict)})" if obstacle.verdict.unverified is not None else ""
    return "; ".join(reason.message for reason in obstacle.reasons) + doubt


def _why(obstacle: Obstacle) -> str:
    """The reasons, and the lines of the table that say so."""
    spans = (reason.span for reason in obstacle.reasons)
    places = dict.fromkeys(f"{span.source.path}:{span.source.position(span.start)[0]}" for span in spans)
    return f"{_members(obstacle)}{_messages(obstacle)} [{', '.join(places)}]"


def _gain(obstacle: Obstacle, number: int) -> str:
    """What it would bring if these were taken: what would then be covered, and how many ops of others with it."""
    gain = obstacle.gain
    if gain is None:
        return ""
    behind = f", {gain.follow} that wait behind it among them" if gain.follow else ""
    in_turn = f" ({_percent(gain.in_turn.ops)} without those above too)" if number else ""
    return f"; without it {_percent(gain.alone.ops)} of the ops{behind}{in_turn}"


def _percent(share: float) -> str:
    """Three digits, and 100 % only of all."""
    return f"{share:.3g}%" if share in (0.0, 100.0) else f"{min(share, 99.9):.3g}%"


def _count(number: int) -> str:
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"


def amount(number: int) -> str:
    """Bytes for people: `1.50 MiB`, `12.3 KiB`."""
    return f"{number / 2**20:.2f} MiB" if number >= 2**20 else f"{number / 2**10:.1f} KiB"
