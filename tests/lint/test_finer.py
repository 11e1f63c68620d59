"""What is advised against noise: a slot as a spec writes it, and nothing that a deployed target would not run."""

from __future__ import annotations

from qspec.lint.facts import Facts, gather
from qspec.lint.noise import NoiseEntry, noise_advice
from qspec.plan.make import make_plan
from qspec.schema import loads
from tests.plan.layer_models import small_model

HEAD = 'qspec 1\nimport "std/int8.qspec"\nimport "std/int16x8.qspec"\n'
DEFAULT = "default { weights = w8, output = a8 }\n"
WIDE = "`a16` of `std/int16x8.qspec` for "
KINDS = "CONV_2D | MAX_POOL_2D | DEPTHWISE_CONV_2D | ADD | MEAN | FULLY_CONNECTED | SOFTMAX | QUANTIZE"
ENDS = "input { type = int8 }\noutput { type = int8 }\n"


def facts(text: str) -> Facts:
    spec, diagnostics = loads(HEAD + text)
    assert not diagnostics
    assert spec is not None
    return gather(spec, make_plan(spec, small_model()))


def advice(text: str, kind: str = "DEPTHWISE_CONV_2D") -> str:
    """What is advised where most noise enters at the first op of that kind; of the help, what stands behind the dB."""
    known = facts(text)
    op = next(op for op in known.plan.ops.ops if op.kind == kind)
    return noise_advice(known, NoiseEntry(op, 40, 30)).partition(" dB behind; ")[2]


def test_the_slot_is_told_as_a_spec_writes_it() -> None:
    around = " and the layers around it"

    assert f'finer would be {WIDE}`inner["depthwise"]`{around} or float' == advice(DEFAULT)
    # The ReLU's output is the convolution's: the sum that a folded normalization leaves has none of its own.
    assert f"finer would be {WIDE}`output` of `stem_relu`{around} or float" == advice(DEFAULT, "CONV_2D")


def test_beside_layers_of_16_bits_one_more_is_enough() -> None:
    wide = f"{DEFAULT}rule wide match MaxPooling2D | ReLU {{ output = a16 }}\n"

    assert f'finer would be {WIDE}`inner["depthwise"]` or float' == advice(wide)


def test_coarse_weights_come_first() -> None:
    coarse = "rule four match SeparableConv2D { weights = w8(type = int4, granularity = per_tensor) }\n"
    slot = '`weights["depthwise_kernel"]`'

    expected = f"finer would be `type = int8` for {slot} or `granularity = per_channel` for {slot} or float"
    assert expected == advice(DEFAULT + coarse)


def deployed(types: str) -> str:
    return f"{DEFAULT}{ENDS}target own on tflite {{ op {KINDS} {{ output = {types} }} }}\ndeploy own as npu\n"


def test_nothing_is_advised_that_a_deployed_target_leaves_to_its_host() -> None:
    nothing = "`npu` would run less of the model with anything finer there: other ranges or training may help"

    assert nothing == advice(deployed("int8"))


def test_what_the_deployed_target_takes_is_advised() -> None:
    expected = f'finer would be {WIDE}`inner["depthwise"]` and the layers around it'

    assert expected == advice(deployed("int8 | int16"))
