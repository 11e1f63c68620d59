from __future__ import annotations

from qspec.graph.operands import operand_name


def test_operands_have_names_by_position():
    assert ["input", "weights", "bias"] == [operand_name("CONV_2D", position) for position in range(3)]
    assert ["output_shape", "weights", "input", "bias"] == [operand_name("TRANSPOSE_CONV", n) for n in range(4)]
    assert ["input", "input"] == [operand_name("ADD", position) for position in range(2)]
    assert ["input", "input", "input"] == [operand_name("CONCATENATION", position) for position in range(3)]
    assert "input" == operand_name("SOMETHING_NEW", 5)
