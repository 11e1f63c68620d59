"""Where the noise of quantization enters, and what would make it less."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from qspec.graph.ops import Op, Slot
from qspec.graph.ranks import channel_axis
from qspec.lint.facts import Facts
from qspec.lint.finer import NEEDLESS, obstacle, shipped_quantizer
from qspec.plan.make import runtime
from qspec.plan.places import Related, decided
from qspec.plan.plan import Decision, Plan
from qspec.schema.names import a_few
from qspec.schema.quantizer import Quantizer


@dataclass(frozen=True, slots=True)
class NoiseEntry:
    """An op that adds noise: the signal-to-noise ratios in dB of the worst tensor that it reads, infinite if all are
    exact, and of what it writes."""

    op: Op
    before: float
    behind: float


def largest_entry(ops: Sequence[Op], ratios: Mapping[int, float], asked: Collection[int]) -> NoiseEntry | None:
    """The op that adds most noise, of those that the tensors *asked* are computed from; None if none adds any.

    *ops* stand in execution order. *ratios* are in dB, against the float model, by tensor; a tensor without one counts
    as noisy as what it is made of. Noise adds up as a share of the signal, 10^(-dB/10), not in dB.
    """
    noise = {tensor: 10 ** (-ratio / 10) for tensor, ratio in ratios.items() if ratio > -math.inf}
    behind = _behind(ops, asked)
    found, most = None, 0.0
    for op in ops:
        before = max((noise.get(tensor, 0.0) for tensor in op.inputs), default=0.0)
        for output in op.outputs:
            added = noise.setdefault(output, before) - before
            if op.index in behind and added > most:
                found, most = NoiseEntry(op, _decibel(before), _decibel(noise[output])), added
    return found


def _behind(ops: Sequence[Op], asked: Collection[int]) -> set[int]:
    """The indices of the ops that the tensors *asked* are computed from."""
    needed, found = set(asked), set[int]()
    for op in reversed(ops):
        if not needed.isdisjoint(op.outputs):
            found.add(op.index)
            needed.update(op.inputs)
    return found


def _decibel(noise: float) -> float:
    return -10 * math.log10(noise) if noise else math.inf


def noise_advice(facts: Facts, entry: NoiseEntry) -> str:
    """Where it enters, and which finer quantizers the op's weights and output could have."""
    op = entry.op
    before = f"{entry.before:.1f} dB before it" if entry.before < math.inf else "none before it"
    told = f"most noise enters at `{op.layer}` ({op.kind}): {before}, {entry.behind:.1f} dB behind"
    tried = [(way, obstacle(facts, way.layer, way.slot, way.quantizer)) for way in _ways(facts.plan, op)]
    finer = [way.words + _AROUND * (found == NEEDLESS) for way, found in tried if found in (None, NEEDLESS)]
    if finer:
        return f"{told}; finer would be {' or '.join(finer)}"
    against = a_few(list(dict.fromkeys(f"`{found}`" for _, found in tried if found)))
    reason = f"{against} would run less of the model with anything finer there" if against else "nothing is finer there"
    return f"{told}; {reason}: other ranges or training may help"


_AROUND = " and the layers around it"


@dataclass(frozen=True, slots=True)
class _Way:
    """A finer quantizer, None for float, for a slot of the layer at a path."""

    words: str
    layer: str
    slot: str
    quantizer: Quantizer | None


def _ways(plan: Plan, op: Op) -> Iterator[_Way]:
    weights = next((tensor for tensor in op.inputs if _is_weights(plan, tensor)), None)
    coarse = [] if weights is None else list(_finer_weights(plan, op, weights))
    yield from coarse
    output = plan.decisions.get(op.outputs[0])
    in_8_bits = output is not None and output.quantizer is not None and output.quantizer.type == "int8"
    slot = plan.ops.tensors[op.outputs[0]].slot
    if not coarse and in_8_bits and slot is not None and _in_16_bits(op.kind):  # else a finer output shows nothing more
        named = _named(plan, op, slot)
        wide = shipped_quantizer("std/int16x8.qspec", "a16")
        yield _Way(f"`a16` of `std/int16x8.qspec` for {named}", _layer(plan, slot), str(slot), wide)
    yield _Way("float", op.layer, "all", None)


def _finer_weights(plan: Plan, op: Op, tensor: int) -> Iterator[_Way]:
    quantizer, slot = plan.decisions[tensor].quantizer, plan.ops.tensors[tensor].slot
    if quantizer is None or quantizer.is_float or slot is None:
        return
    layer, named = _layer(plan, slot), _named(plan, op, slot)
    if quantizer.bits < 8:
        yield _Way(f"`type = int8` for {named}", layer, str(slot), replace(quantizer, type="int8"))
    if quantizer.granularity == "per_tensor" and channel_axis(op.kind) is not None:
        finer = replace(quantizer, granularity="per_channel")
        yield _Way(f"`granularity = per_channel` for {named}", layer, str(slot), finer)


def _named(plan: Plan, op: Op, slot: Slot) -> str:
    """A slot as a spec writes it, and its layer where that is not the op's."""
    layer = _layer(plan, slot)
    return f"`{slot}`" + (f" of `{layer}`" if layer != op.layer else "")


def _layer(plan: Plan, slot: Slot) -> str:
    return next(call.layer.path for call in plan.layers.calls if call.index == slot.call)


def _in_16_bits(kind: str) -> bool:
    """Whether the runtime has a kernel of that *kind* that gives 16 bits."""
    rows = runtime().rows_naming(kind)
    lists = (operands for row in rows for operands in (row.operands, *(form.operands for form in row.forms)))
    outputs = (operand for operands in lists for operand in operands if operand.name == "output")
    return any(words.type == "int16" for operand in outputs for words in operand.types)


def noise_places(plan: Plan, entry: NoiseEntry) -> Related:
    """Where the quantizers of the op's weights and output are assigned."""
    weights, output = _weights(plan, entry.op), plan.decisions.get(entry.op.outputs[0])
    places = () if weights is None else decided(weights.origin, f"the weights of `{entry.op.layer}`")
    return places if output is None else (*places, *decided(output.origin, f"the output of `{entry.op.layer}`"))


def _weights(plan: Plan, op: Op) -> Decision | None:
    return next((plan.decisions.get(tensor) for tensor in op.inputs if _is_weights(plan, tensor)), None)


def _is_weights(plan: Plan, tensor: int) -> bool:
    slot = plan.ops.tensors[tensor].slot if tensor >= 0 else None
    return slot is not None and slot.kind == "weights" and tensor in plan.decisions
