"""Every model of `keras.applications`: what qspec lowers is what it predicts, and computes what the model does.

    pytest -m slow tests/lowering/test_applications.py

The largest take a minute or two and some GB each.
"""

from __future__ import annotations

import gc
import inspect

import pytest

pytest.importorskip("tensorflow")

import keras

from tests.lowering.own_lowering import disagreements

# The smallest images that each family takes, or a little more; the rest takes these.
_SIZES = {"Inception": 96, "Xception": 96, "NASNet": 96, "VGG": 48}
_SIZE = 64


def names() -> list[str]:
    """The functions of `keras.applications` that build a model."""
    found = inspect.getmembers(keras.applications, inspect.isfunction)
    return [name for name, function in found if "classifier_activation" in inspect.signature(function).parameters]


def build(name: str) -> keras.Model:
    """The model with random weights, on small images."""
    size = next((size for prefix, size in _SIZES.items() if name.startswith(prefix)), _SIZE)
    function = getattr(keras.applications, name)
    # With its top some take one size only; what stands there is in every other family.
    top = "NASNet" not in name
    return function(weights=None, input_shape=(size, size, 3), include_top=top)


QUICK = {"MobileNetV3Small", "EfficientNetV2B0"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names()]
)
def test_a_model(name: str):
    keras.backend.clear_session()
    gc.collect()

    assert [] == disagreements(build(name))
