"""`make_plan`: a spec and a layer graph become decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import UNSUPPORTED_LAYER
from qspec.graph.layers import LayerGraph
from qspec.graph.operands import is_recurrence
from qspec.graph.ops import OPAQUE, OpGraph
from qspec.lowering import lower
from qspec.plan.cascade import Cascade, make_cascade
from qspec.plan.casts import insert_casts
from qspec.plan.clamps import write_clamps_as_additions
from qspec.plan.constants import adapt_constants
from qspec.plan.draft import Draft
from qspec.plan.finish import finish
from qspec.plan.index import LayerIndex
from qspec.plan.islands import Island, island_reports, islands
from qspec.plan.layer_attributes import Attributes
from qspec.plan.layer_classes import layer_class_reports
from qspec.plan.one_scale import one_scale
from qspec.plan.plan import Plan
from qspec.plan.rule_reports import rule_reports
from qspec.plan.runtime import runtime_reports, runtime_verdicts
from qspec.plan.scales import share_scales
from qspec.plan.slots import SlotTable
from qspec.plan.start import start
from qspec.plan.states import recurrences_to_unroll
from qspec.plan.support import meaningless
from qspec.schema.shipped import shipped_target
from qspec.schema.spec import Spec
from qspec.schema.target import TargetDefinition
from qspec.targets import Table


def make_plan(spec: Spec, layers: LayerGraph) -> Plan:
    """Decide every tensor of the model. What is wrong stands in `Plan.diagnostics`; the plan is whole even then, but
    only one without errors can be carried out."""
    batch, table = batch_of(spec), Table(runtime())
    predicted, diagnostics = _lowered(spec, layers, table, batch)
    plan = plan_ops(spec, layers, predicted, table, batch)
    in_float = _float_islands(plan)
    unknown = (item for item in diagnostics if item.code != UNSUPPORTED_LAYER.code or item.layer not in in_float)
    return _with(plan, (*layer_class_reports(spec, layers), *unknown, *plan.diagnostics))


def _lowered(spec: Spec, layers: LayerGraph, table: Table, batch: int | None) -> tuple[OpGraph, tuple[Diagnostic, ...]]:
    """The ops of the model, recurrent layers written out where one op cannot do what the spec asks of them. What is too
    long for that, and quantized by `default` only, stays one op, and in float."""
    classes = {each.name: each.like for each in spec.layer_classes}
    lower_with = partial(lower, layers, batch, spec.train.batch_norm, classes)
    found = lower_with()
    if not any(map(is_recurrence, found[0].ops)):
        return found
    unfit = recurrences_to_unroll(_with_islands(spec, layers, _said(spec, layers, found[0]), table, batch, {}))
    if not unfit:
        return found
    unrolled = lower_with(unrolled=frozenset(unfit))
    too_long = {item.layer for item in unrolled[1] if item.code == UNSUPPORTED_LAYER.code}
    left = frozenset(path for path, in_general in unfit.items() if in_general and path in too_long)
    return lower_with(unrolled=frozenset(unfit) - left) if left else unrolled


def _float_islands(plan: Plan) -> frozenset[str]:
    """The layers whose ops are not known, and need not be, since they stay in float."""
    unknown = [op for op in plan.ops.ops if op.kind == OPAQUE]
    integer = {op.layer for op in unknown for tensor in op.outputs if plan.is_quantized(tensor)}
    return frozenset(op.layer for op in unknown) - integer


def plan_ops(spec: Spec, layers: LayerGraph, predicted: OpGraph, table: Table, batch: int | None) -> Plan:
    """As `make_plan`, for an op graph and a runtime's table that are there already."""
    said = _said(spec, layers, predicted)
    found: dict[int, Island] = {}
    while True:
        plan = _with_islands(spec, layers, said, table, batch, found)
        verdicts = runtime_verdicts(plan, table)
        new = islands(plan, table, verdicts)
        if not new:
            reports = (*island_reports(plan, table, found), *runtime_reports(plan, table, verdicts))
            return _with(plan, (*plan.diagnostics, *reports))
        found |= new


@dataclass(frozen=True)
class _Said:
    """What a spec says of an op graph, before anything follows from it."""

    slots: SlotTable
    cascade: Cascade
    diagnostics: tuple[Diagnostic, ...]


def _said(spec: Spec, layers: LayerGraph, predicted: OpGraph) -> _Said:
    index = LayerIndex(layers)
    slots = SlotTable(index, predicted)
    cascade = make_cascade(spec, slots, Attributes(index, predicted))
    return _Said(
        slots, cascade, (*meaningless(spec), *cascade.diagnostics, *rule_reports(cascade, slots, spec.patterns))
    )


def _with_islands(
    spec: Spec, layers: LayerGraph, said: _Said, table: Table, batch: int | None, found: Mapping[int, Island]
) -> Plan:
    predicted = said.slots.ops
    draft = Draft(spec, layers, predicted, said.slots, said.cascade, table, list(predicted.tensors))
    for diagnostic in said.diagnostics:
        draft.report(diagnostic)
    draft.islands = {tensor: island.sentence for tensor, island in found.items()}
    start(draft)
    one_scale(draft)
    insert_casts(draft)
    groups = share_scales(draft)
    write_clamps_as_additions(draft, groups)
    adapt_constants(draft)
    return finish(draft, groups, batch)


def runtime() -> TargetDefinition:
    """The table of the runtime that plan and exporter obey."""
    definition = shipped_target("tflite")
    assert definition is not None, "the package ships without the runtime's table"
    return definition


def batch_of(spec: Spec) -> int | None:
    """The batch that the file is made for: 1 unless an `input` block says otherwise, None for `dynamic`."""
    batch: int | None = 1
    for block in spec.inputs:
        if block.batch is not None:
            batch = None if block.batch == "dynamic" else block.batch
    return batch


def _with(plan: Plan, diagnostics: tuple[Diagnostic, ...]) -> Plan:
    return replace(plan, diagnostics=tuple(dict.fromkeys(diagnostics)))
