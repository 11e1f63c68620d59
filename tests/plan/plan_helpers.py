"""Specs as text, models call by call."""

from __future__ import annotations

import pytest

from qspec.graph.layers import LayerGraph
from qspec.plan.make import make_plan
from qspec.plan.plan import Plan
from qspec.schema import loads
from qspec.schema.spec import Spec
from tests.plan.layer_models import small_model

HEAD = """\
qspec 1
import "std/int8.qspec"
quantizer a8_wide extends a8 { range = percentile(99.9) }
quantizer a16 extends a8 { type = int16, scheme = symmetric }
quantizer unit extends a8 { range = fixed(0, 1) }
"""
DEFAULT = "default { weights = w8, output = a8 }\n"


def read(text: str) -> Spec:
    """A spec without mistakes; some quantizers and, unless it has its own, the usual default come before *text*."""
    general = "" if "default" in text else DEFAULT
    spec, diagnostics = loads(HEAD + general + text, "spec.qspec")
    assert not diagnostics
    assert spec is not None
    return spec


def plan_of(text: str, layers: LayerGraph) -> Plan:
    """The plan for *text* and a model."""
    return make_plan(read(text), layers)


def codes(plan: Plan) -> list[str]:
    """The codes of a plan's diagnostics."""
    return [diagnostic.code for diagnostic in plan.diagnostics]


def named(plan: Plan, name: str) -> int:
    """The id of the tensor called *name*."""
    return next(tensor.id for tensor in plan.ops.tensors if tensor.name == name)


def type_of(plan: Plan, name: str) -> str:
    """The type of the tensor called *name*."""
    return plan.ops.tensors[named(plan, name)].type


def quantizer_of(plan: Plan, name: str) -> str | None:
    """The name of a tensor's quantizer, None for float."""
    quantizer = plan.decisions[named(plan, name)].quantizer
    return quantizer.name if quantizer else None


def kinds(plan: Plan) -> list[str]:
    """The ops in order."""
    return [op.kind for op in plan.ops.ops]


@pytest.fixture
def small() -> LayerGraph:
    """Conv-BN-ReLU, pooling, a residual of a separable convolution, a softmax head."""
    return small_model()
