"""QS309: when it is said that no layer is quantized, and when that is what was meant."""

from __future__ import annotations

import pytest

from qspec.lint import check
from qspec.schema import loads
from tests.plan.layer_models import small_model

STANDARD = 'qspec 1\nimport "std/int8.qspec"\n'


def messages(text: str) -> list[str]:
    spec, diagnostics = loads(STANDARD + text)
    assert spec is not None
    return [item.message for item in check(spec, small_model(), diagnostics).diagnostics if item.code == "QS309"]


@pytest.mark.parametrize("text", ["", "input { type = int8 }\n", "rule r match Dense { output = float }\n"])
def test_a_spec_without_quantizers_is_warned_of(text: str) -> None:
    assert ["nothing is quantized: no `default` and no rule assigns a quantizer"] == messages(text)


def test_quantizers_that_reach_nothing_are_told_apart() -> None:
    (message,) = messages("rule r match LSTM { weights = w8 }\n")

    assert "nothing is quantized: what `default` and the rules assign reaches no layer of the model" == message


@pytest.mark.parametrize(
    "text",
    [
        "default { all = float }\n",
        "default { weights = w8, output = a8 }\n",
        "rule r match Dense { weights = w8, output = a8 }\n",
        "quantizer w { type = int9 }\n",
    ],
)
def test_what_quantizes_or_means_float_or_is_mistaken_is_not(text: str) -> None:
    assert [] == messages(text)


def test_a_spec_alone_may_be_meant_to_be_imported() -> None:
    spec, diagnostics = loads(STANDARD)
    assert spec is not None

    assert () == check(spec, None, diagnostics).diagnostics


def test_a_comment_suppresses_it() -> None:
    spec, diagnostics = loads(STANDARD.replace("qspec 1", "qspec 1  # qspec: ignore[QS309]"))
    assert spec is not None

    assert () == check(spec, small_model(), diagnostics).diagnostics
