"""The plan held against the runtime."""

from __future__ import annotations

from qspec.plan.representation import representation, same_scale
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, named, plan_of


def test_the_runtimes_own_warnings_are_passed_on():
    m = ModelBuilder()
    layers = m.graph(m("ELU", m.input(4, name="image"), name="e", alpha=1.0))

    (warning,) = plan_of("", layers).diagnostics
    assert ("QS404", "ELU", "e") == (warning.code, warning.op, warning.layer)
    assert [] == codes(plan_of("rule r match ELU { all = float }", layers))


def test_a_type_that_the_kernel_does_not_take_names_both_places():
    m = ModelBuilder()
    layers = m.graph(m("ELU", m.input(4, name="image"), name="e", alpha=1.0))
    error = plan_of("rule r match ELU { output = a16 }", layers).diagnostics[0]

    assert ("QS401", "spec.qspec") == (error.code, error.span.source.path)
    assert ["targets/tflite.qspec", "targets/tflite.qspec", "spec.qspec"] == [
        span.source.path for span, _ in error.related
    ]
    assert "`a16` is defined here" == error.related[-1][1]


def test_representation(small):
    plan = plan_of("input { type = uint8, range = fixed(0, 1) }", small)
    stored = representation(plan)

    kernel = stored(named(plan, "stem/kernel"))
    assert ("int8", "symmetric", "per_channel", 0, None, 0) == (
        kernel.type,
        kernel.scheme,
        kernel.granularity,
        kernel.axis,
        kernel.scale,
        kernel.zero_point,
    )
    outside, inside, softmax = (stored(t) for t in (plan.ops.inputs[0], named(plan, "image"), named(plan, "head")))
    assert (0, -128) == (outside.zero_point, inside.zero_point)
    assert outside.scale == inside.scale
    assert ("int8", 1 / 256, -128) == (softmax.type, softmax.scale, softmax.zero_point)
    assert ("float32", None) == (stored(plan.ops.outputs[0]).type, stored(plan.ops.outputs[0]).scale)
    assert "int32" == stored(named(plan, "stem/bias")).type


def test_same_scale(small):
    plan = plan_of("", small)
    share = same_scale(plan)
    relu, pool, add, kernel = (named(plan, name) for name in ("stem_relu", "pool", "block/add", "stem/kernel"))

    assert (True, False, None) == (share(relu, pool), share(pool, add), share(pool, kernel))
