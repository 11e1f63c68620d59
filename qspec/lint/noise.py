"""Where the noise of quantization enters, and what would make it less."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from qspec.graph.ops import Op
from qspec.graph.ranks import channel_axis
from qspec.plan.make import runtime
from qspec.plan.places import Related, decided
from qspec.plan.plan import Decision, Plan


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


def noise_advice(plan: Plan, entry: NoiseEntry) -> str:
    """Where it enters, and which finer quantizers the op's weights and output could have."""
    op, weights = entry.op, _weights(plan, entry.op)
    before = f"{entry.before:.1f} dB before it" if entry.before < math.inf else "none before it"
    finer = []
    if weights is not None and weights.quantizer is not None and not weights.quantizer.is_float:
        if weights.quantizer.bits < 8:
            finer.append("`type = int8` for its weights")
        if weights.quantizer.granularity == "per_tensor" and channel_axis(op.kind) is not None:
            finer.append("`granularity = per_channel` for its weights")
    output = plan.decisions.get(op.outputs[0])
    in_8_bits = output is not None and output.quantizer is not None and output.quantizer.type == "int8"
    if not finer and in_8_bits and _in_16_bits(op.kind):  # behind coarse weights, a finer output shows nothing more
        finer.append("`a16` of `std/int16x8.qspec` for its output")
    told = f"most noise enters at `{op.layer}` ({op.kind}): {before}, {entry.behind:.1f} dB behind"
    return f"{told}; finer would be {' or '.join([*finer, 'float'])}"


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
    for tensor in op.inputs:
        slot = plan.ops.tensors[tensor].slot if tensor >= 0 else None
        if slot is not None and slot.kind == "weights":
            return plan.decisions.get(tensor)
    return None
