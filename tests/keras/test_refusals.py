"""Files that would end the process if LiteRT were given them are refused before."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")

from qspec.keras.refusals import refusals
from tests.targets.op_cases import small_outputs
from tests.targets.op_files import OpCase, op_file, stored_constants


def said(case: OpCase) -> list[str]:
    return [found.code for found in refusals(op_file(case, stored_constants(case)), "model.tflite")]


@pytest.mark.parametrize("case", [case for case in small_outputs() if case.kind != "SUB"], ids=str)
def test_an_output_whose_scale_is_too_small(case: OpCase) -> None:
    """ADD and SQUARED_DIFFERENCE; LiteRT's SUB takes any scale."""
    assert (["QS403"] if "0.9" in case.note else []) == said(case)


@pytest.mark.parametrize("case", [case for case in small_outputs() if case.kind == "SUB"], ids=str)
def test_an_op_that_takes_any_scale(case: OpCase) -> None:
    assert [] == said(case)
