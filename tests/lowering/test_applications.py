"""Every model of `keras.applications`: what qspec lowers is what it predicts, and computes what the model does.

    pytest -m slow tests/lowering/test_applications.py

The largest take a minute or two, and about sixteen times the size of their weights in memory, nearly all of it the
converter's.
"""

from __future__ import annotations

import gc
import inspect
import os

import pytest

pytest.importorskip("tensorflow")

import keras
from keras.src.applications.convnext import MODEL_CONFIGS

from qspec.graph.keras_config import layer_graph
from qspec.lowering import lower
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


HUGE = "ConvNeXtXLarge"
"""The conversion of its 1.4 GB takes more memory than 24 GB, so that it is run where there is more, and else narrow."""

MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0


def _marks(name: str) -> list[pytest.MarkDecorator]:
    marks = [] if name in QUICK else [pytest.mark.slow]
    if name == HUGE:
        marks.append(pytest.mark.skipif(MEMORY < 28e9, reason="it takes more than 24 GB of memory"))
    return marks


@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in names()])
def test_a_model(name: str):
    keras.backend.clear_session()
    gc.collect()

    assert [] == disagreements(build(name))


@pytest.mark.slow
def test_the_largest_with_fewer_channels(monkeypatch: pytest.MonkeyPatch):
    keras.backend.clear_session()
    whole = _without_sizes(build(HUGE))
    monkeypatch.setitem(MODEL_CONFIGS["xlarge"], "projection_dims", [32, 64, 128, 256])
    keras.backend.clear_session()
    narrow = build(HUGE)

    assert whole == _without_sizes(narrow)
    assert [] == disagreements(narrow)


def _without_sizes(model: keras.Model) -> list[tuple[object, ...]]:
    """What is predicted of each op but the sizes of its tensors."""
    ops, diagnostics = lower(layer_graph(keras.saving.serialize_keras_object(model), "model"))
    assert () == diagnostics
    return [
        (op.kind, op.inputs, op.outputs, op.attributes, [len(ops.tensors[tensor].shape or ()) for tensor in op.outputs])
        for op in ops.ops
    ]
