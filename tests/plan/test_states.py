"""LSTM layers in a plan: one op with its states, or the steps written out where the op cannot do what is asked."""

from __future__ import annotations

from typing import Any

import pytest

from qspec.graph.layers import LayerGraph
from qspec.plan.plan import Plan
from tests.plan.layer_models import ModelBuilder
from tests.plan.plan_helpers import codes, kinds, named, plan_of, quantizer_of, type_of

LSTM = {
    "units": 4,
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "use_bias": True,
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
}


def lstm(steps: int = 20, **config: Any) -> LayerGraph:
    """One LSTM over so many steps of three features."""
    m = ModelBuilder()
    return m.graph(m("LSTM", m.input(steps, 3), name="lstm", **{**LSTM, **config}))


def rule(text: str) -> str:
    """A rule for the LSTM."""
    return f"rule memory match LSTM {{ {text} }}\n"


def group(plan: Plan, name: str) -> Any:
    """The range group of the tensor called *name*."""
    index = plan.decisions[named(plan, name)].range
    assert index is not None
    return plan.ranges[index]


def test_one_op_with_a_state_of_each_kind():
    plan = plan_of("", lstm())

    assert ["QUANTIZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "DEQUANTIZE"] == kinds(plan)
    assert ("int8", "int16") == (type_of(plan, "lstm/hidden"), type_of(plan, "lstm/cell"))
    assert group(plan, "lstm/hidden") is group(plan, "lstm/sequence")
    assert (named(plan, "lstm/sequence"),) == group(plan, "lstm/hidden").sources
    assert (named(plan, "lstm/cell"),) == group(plan, "lstm/cell").sources


def test_gates_take_one_scale_each():
    plan = plan_of("", lstm())

    assert ["QS307"] == codes(plan)
    for key in ("kernel", "recurrent_kernel"):
        for gate in ("input", "forget", "candidate", "output"):
            decision = plan.decisions[named(plan, f"lstm/{key}.{gate}")]
            assert decision.quantizer is not None
            assert "per_tensor" == decision.quantizer.granularity


def test_a_rule_s_quantizer_does_not_adapt():
    assert ["QS401"] == codes(plan_of(rule("weights = w8"), lstm()))


def test_a_name_means_all_its_parts():
    plan = plan_of(rule('weights = w8_tensor, weights["kernel"] = w8_tensor(range = mse)'), lstm())

    assert [] == codes(plan)
    methods = {
        key: plan.decisions[named(plan, f"lstm/{key}")].quantizer.range.method
        for key in ("kernel.input", "kernel.output", "recurrent_kernel.input", "recurrent_kernel.output")
    }
    assert {"mse"} == {methods["kernel.input"], methods["kernel.output"]}
    assert {"minmax"} == {methods["recurrent_kernel.input"], methods["recurrent_kernel.output"]}


def test_a_part_can_be_named():
    plan = plan_of(rule('weights = w8_tensor, weights["kernel.forget"] = w8_tensor(range = mse)'), lstm())

    quantizer = plan.decisions[named(plan, "lstm/kernel.forget")].quantizer
    assert quantizer is not None
    assert "mse" == quantizer.range.method


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [(-1, 1, 2**-15), (-0.1, 0.1, 2**-15), (-1.5, 1, 2**-14), (-3, 8, 2**-12), (-8, 8.1, 2**-11), (-500, 500, 2**-9)],
)
def test_a_cell_state_s_scale_is_a_power_of_two(low: float, high: float, scale: float):
    text = rule(f'weights = w8_tensor, state["cell"] = a16(range = fixed({low}, {high}))')
    plan = plan_of(text, lstm())

    assert [] == codes(plan)
    assert (scale, 0) == group(plan, "lstm/cell").fixed


def test_another_scale_is_refused():
    text = rule('weights = w8_tensor, state["cell"] = a16(range = exact(0.001, 0))')

    assert ["QS401"] == codes(plan_of(text, lstm()))


def test_a_cell_state_of_8_bits_is_refused():
    assert ["QS401"] == codes(plan_of(rule("weights = w8_tensor, state = a8"), lstm()))


def test_a_hidden_state_s_quantizer_decides_for_the_output():
    plan = plan_of(rule('weights = w8_tensor, state["hidden"] = a8_wide'), lstm(return_sequences=True))

    assert [] == codes(plan)
    assert "a8_wide" == quantizer_of(plan, "lstm")


def test_in_float_it_is_one_op_of_any_length():
    plan = plan_of(rule("all = float"), lstm(500))

    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in kinds(plan)
    assert ("float32", "float32") == (type_of(plan, "lstm/hidden"), type_of(plan, "lstm/cell"))


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (rule('weights["kernel"] = w8(type = int4)'), {"int4", "int8"}),
        ("input { type = int16 }\ndefault { weights = w8, output = a16 }\n", {"int8"}),
    ],
    ids=["weights", "activations"],
)
def test_what_the_op_cannot_do_is_written_out(text: str, types: set[str]):
    plan = plan_of(text, lstm(5))

    assert [] == [code for code in codes(plan) if code != "QS307"]
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in kinds(plan)
    assert 5 == kinds(plan).count("FULLY_CONNECTED")
    assert types == {type_of(plan, f"lstm/{key}") for key in ("kernel", "recurrent_kernel")}


@pytest.mark.parametrize("text", [rule('weights["kernel"] = w8(type = int4)'), rule("output = a16")])
def test_where_it_is_too_long_for_that_it_is_refused(text: str):
    plan = plan_of(text, lstm(65))

    (message,) = [item.message for item in plan.diagnostics if item.severity.value == "error"]
    assert "it takes 65 steps, and at most 64 are written out" in message
    assert "takes no integers but int8 activations and weights" in message


def test_where_only_default_asks_for_it_a_long_one_stays_in_float():
    plan = plan_of("input { type = int16 }\ndefault { weights = w8, output = a16 }\n", lstm(65))

    assert ["QS310"] == codes(plan)
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in kinds(plan)
    assert ("float32", "float32") == (type_of(plan, "lstm/sequence"), type_of(plan, "lstm/cell"))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"return_state": True}, "does not give its last state"),
        ({"activation": "relu"}, "whose `activation` is always tanh"),
        ({"recurrent_activation": "hard_sigmoid"}, "whose `recurrent_activation` is always sigmoid"),
    ],
)
def test_other_lstms_are_written_out(config: dict[str, Any], reason: str):
    assert 5 == kinds(plan_of("", lstm(5, **config))).count("FULLY_CONNECTED")
    (message,) = [item.message for item in plan_of("", lstm(65, **config)).diagnostics if "65 steps" in item.message]
    assert reason in message


def test_the_state_needs_a_known_batch():
    text = "input { batch = dynamic }\n"

    assert 5 == kinds(plan_of(text, lstm(5))).count("FULLY_CONNECTED")
    (message,) = [item.message for item in plan_of(text, lstm(65)).diagnostics if "65 steps" in item.message]
    assert "whose state has a fixed batch" in message
