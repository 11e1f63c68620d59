"""The tensors behind `sqnr("layer")`."""

from __future__ import annotations

from qspec.diagnostics import Advice
from qspec.graph.ops import Slot
from qspec.plan.plan import Plan
from qspec.schema.evaluate import Mistake
from qspec.schema.names import listed, quoted, similar_paths
from qspec.syntax import tree


def asked_tensors(call: tree.Call, plan: Plan) -> tuple[int, ...]:
    """The outputs of the layer that `sqnr("path")` names, by the plan's tensor ids, one or more.

    Raises:
        Mistake: there is no such layer, or fusion left no tensor that is its output.
    """
    argument = call.arguments[0].value
    assert isinstance(argument, tree.String)
    path = argument.text
    calls = [call.index for call in plan.layers.calls if call.layer.path == path]
    if not calls:
        raise Mistake(argument.span, f"the model has no layer `{path}`", _meant(path, plan))
    fused = [slot for slot in plan.ops.fused if slot.kind == "output" and slot.call in calls]
    if fused:
        raise Mistake(argument.span, f"the output of `{path}` is not a tensor of its own", _instead(fused[0], plan))
    found = [tensor for slot, tensor in plan.ops.slots.items() if slot.kind == "output" and slot.call in calls]
    if not found:
        raise Mistake(argument.span, f"no op of the file gives the output of `{path}`", "ask for a layer behind it")
    return tuple(found)


def _meant(path: str, plan: Plan) -> Advice:
    """The layers that may have been meant, else those that there are."""
    names = list(dict.fromkeys(call.layer.path for call in plan.layers.calls))
    close = similar_paths(path, names)
    if not close:
        return Advice(f"there is {listed(names)}")
    return Advice(f"similar: {listed(close)}", tuple(quoted(name) for name in close))


def _instead(slot: Slot, plan: Plan) -> str:
    """Where the value of a fused *slot* is."""
    holder = plan.ops.fused[slot]
    while holder in plan.ops.fused:
        holder = plan.ops.fused[holder]
    layer = next(call.layer.path for call in plan.layers.calls if call.index == holder.call)
    if holder.kind == "output":
        return f"fusion leaves it in that of `{layer}`: ask for that"
    return f"fusion leaves it in {holder} of `{layer}`, of which nothing can be asked"
