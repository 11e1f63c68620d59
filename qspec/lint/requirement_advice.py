"""What to do about a requirement that does not hold, and the places behind it, as far as the plan tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qspec.diagnostics import Place, Span
from qspec.graph.ops import CASTS, OpGraph
from qspec.lint.facts import Facts
from qspec.lint.left_to_host import assigned_by
from qspec.lint.placement_text import amount, cut_text, kinds_text
from qspec.plan.places import Related
from qspec.schema.names import a_few
from qspec.targets import Obstacle, Outcome, Reason
from qspec.targets.costs import stored_bytes

_MOST_OBSTACLES = 3
_MOST_LAYERS = 3


def advice(facts: Facts, quantities: Sequence[str]) -> str:
    """Where a coverage falls short, the layers to change; of a file too large, those that hold most of it; of too many
    ops, which they are. *quantities* are what a requirement asks for."""
    for quantity in quantities:
        if quantity == "size":
            return _largest(facts)
        if quantity == "ops":
            return ops_advice(facts.plan.ops)
        name, *measure = quantity.split(".")
        for deployed in facts.deployed:
            if deployed.deploy.name == name and measure[:1] in (["coverage"], ["partitions"]):
                cut = cut_text(deployed)
                told = any(_assigned(facts, each) is not None for each in deployed.placement.obstacles)
                return f"{cut}; QS401 or QS402 at the assignments say why" if told else cut
    return ""


def ops_advice(graph: OpGraph) -> str:
    """Of which kinds the ops are, and where there are some that a change of types alone brings."""
    kinds = Counter(op.kind for op in graph.ops)
    if not kinds:
        return ""
    told = f"they are {kinds_text(kinds)}"
    casts = [op for op in graph.ops if op.kind in CASTS]
    if not casts:
        return told
    layers = dict.fromkeys(f"`{op.layer or graph.tensors[op.outputs[0]].name}`" for op in casts)
    count = "1 only changes a type" if len(casts) == 1 else f"{len(casts)} only change types"
    return f"{told}; {count}, at {a_few(list(layers))}: one type on both sides saves that"


def _largest(facts: Facts) -> str:
    """What most of the file is: constants, and of which layers, or the descriptions of ops and tensors."""
    graph = facts.plan.ops
    first = {tensor: op.layer for op in reversed(graph.ops) for tensor in op.inputs if tensor >= 0}
    held: Counter[str] = Counter()
    for tensor in graph.tensors:
        if tensor.constant and tensor.shape is not None and tensor.id in first:
            held[first[tensor.id]] += stored_bytes(tensor.shape, tensor.type)
    told = [f"`{layer}` ({amount(size)})" for layer, size in held.most_common(_MOST_LAYERS) if layer and size]
    constants = held.total()
    if told and (facts.size is None or 2 * constants >= facts.size):
        return f"most of it is the constants of {', '.join(told)}"
    if facts.size is None:
        return ""
    rest = f"; {amount(constants)} are constants, most of {', '.join(told)}" if told else ""
    return f"{amount(facts.size - constants)} of it are what describes {_ops_of_layers(graph)}{rest}"


def _ops_of_layers(graph: OpGraph) -> str:
    """How many ops and tensors there are, and the layer that becomes most of the ops."""
    ((layer, most),) = Counter(op.layer for op in graph.ops).most_common(1) or (("", 0),)
    tensors = len({tensor for op in graph.ops for tensor in (*op.inputs, *op.outputs) if tensor >= 0})
    counted = f"{len(graph.ops)} op{'' if len(graph.ops) == 1 else 's'}"
    of_layer = f" ({most} of them `{layer}`)" if layer and most > 1 else ""
    return f"{counted}{of_layer} and their {tensors} tensors"


def places(facts: Facts, quantities: Sequence[str]) -> Related:
    """Where the targets that the quantities speak of are deployed, and what in their tables stands in the way."""
    found: dict[Span | Place, str] = {}
    for quantity in quantities:
        name, *measure = quantity.split(".")
        for deployed in facts.deployed:
            if deployed.deploy.name != name:
                continue
            if deployed.deploy.span is not deployed.deploy.target.span:  # of one that the command names, it is
                found.setdefault(deployed.deploy.span, f"`{name}` is deployed here")
            if measure[:1] in (["coverage"], ["partitions"]):
                for number, obstacle in enumerate(deployed.placement.obstacles[:_MOST_OBSTACLES]):
                    reason = _assigned(facts, obstacle)
                    if number and reason is not None:
                        continue  # what stands at the assignment, says so
                    kinds = f"{a_few(obstacle.kinds)}: " if obstacle.kinds else ""
                    reason = reason or obstacle.reasons[0]
                    found.setdefault(reason.span, f"not accelerated: {kinds}{reason.message}")
    return tuple(found.items())


def _assigned(facts: Facts, obstacle: Obstacle) -> Reason | None:
    """The reason that an assignment brought, of a rule before those of `default`: there, QS401 or QS402 tells of it."""
    if obstacle.verdict.outcome is Outcome.REFUSED or not obstacle.ops:
        return None
    for kind in ("rule", "default"):
        for reason in obstacle.verdict.reasons:
            if assigned_by(facts, obstacle.ops[0], reason, kind) is not None:
                return reason
    return None
