"""`make_plan`: a spec and a layer graph become decisions."""

from __future__ import annotations

from dataclasses import replace

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import UNSUPPORTED_LAYER
from qspec.graph.layers import LayerGraph
from qspec.graph.ops import OPAQUE, OpGraph
from qspec.lowering import lower
from qspec.plan.cascade import make_cascade
from qspec.plan.casts import insert_casts
from qspec.plan.conditions import Attributes
from qspec.plan.constants import adapt_constants
from qspec.plan.draft import Draft
from qspec.plan.finish import finish
from qspec.plan.index import LayerIndex
from qspec.plan.layer_classes import layer_class_reports
from qspec.plan.one_scale import one_scale
from qspec.plan.plan import Plan
from qspec.plan.rule_reports import rule_reports
from qspec.plan.runtime import runtime_reports
from qspec.plan.scales import share_scales
from qspec.plan.slots import SlotTable
from qspec.plan.start import start
from qspec.plan.support import unsupported
from qspec.schema.shipped import shipped_target
from qspec.schema.spec import Spec
from qspec.schema.target import TargetDefinition
from qspec.targets import Table


def make_plan(spec: Spec, layers: LayerGraph) -> Plan:
    """Decide every tensor of the model. What is wrong stands in `Plan.diagnostics`; the plan is whole even then, but
    only one without errors can be carried out."""
    batch = batch_of(spec)
    classes = {each.name: each.like for each in spec.layer_classes}
    predicted, diagnostics = lower(layers, batch, spec.train.batch_norm, classes)
    plan = plan_ops(spec, layers, predicted, Table(runtime()), batch)
    islands = _float_islands(plan)
    unknown = (item for item in diagnostics if item.code != UNSUPPORTED_LAYER.code or item.layer not in islands)
    return _with(plan, (*layer_class_reports(spec, layers), *unknown, *plan.diagnostics))


def _float_islands(plan: Plan) -> frozenset[str]:
    """The layers whose ops are not known, and need not be, since they stay in float."""
    unknown = [op for op in plan.ops.ops if op.kind == OPAQUE]
    integer = {op.layer for op in unknown for tensor in op.outputs if _is_quantized(plan, tensor)}
    return frozenset(op.layer for op in unknown) - integer


def _is_quantized(plan: Plan, tensor: int) -> bool:
    decision = plan.decisions.get(tensor)
    return decision is not None and decision.quantizer is not None


def plan_ops(spec: Spec, layers: LayerGraph, predicted: OpGraph, table: Table, batch: int | None) -> Plan:
    """As `make_plan`, for an op graph and a runtime's table that are there already."""
    index = LayerIndex(layers)
    slots = SlotTable(index, predicted)
    cascade = make_cascade(spec, slots, Attributes(index, predicted))
    draft = Draft(spec, layers, predicted, slots, cascade, table, list(predicted.tensors))
    for diagnostic in (*unsupported(spec), *cascade.diagnostics, *rule_reports(cascade, slots)):
        draft.report(diagnostic)
    start(draft)
    one_scale(draft)
    insert_casts(draft)
    groups = share_scales(draft)
    adapt_constants(draft)
    plan = finish(draft, groups, batch)
    return _with(plan, (*plan.diagnostics, *runtime_reports(plan, table)))


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
