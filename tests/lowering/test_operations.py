"""Every raw operation of the zoo: what qspec lowers is what it predicts, and computes what the model does."""

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.graph.keras_config import layer_graph
from qspec.keras.lower import lower as lower_live
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.interpreter import make_interpreter, run
from qspec.lowering import lower
from qspec.lowering.operations import OPERATIONS
from qspec.lowering.operations_without import WITHOUT
from tests.lowering import zoo_more_operations, zoo_operations
from tests.lowering.own_lowering import disagreements
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

MODELS = {**zoo_operations.models(), **zoo_more_operations.models()}
SAMPLE = frozenset(list(MODELS)[::6])

KNOWN_BATCH = {
    "broadcast_to": "its shape names the batch",
    "slice": "its shape names the batch",
    "take_along_constant": "its indices are those of one sample",
    "concatenate_constant": "its constant has a batch of one",
    "slice_update": "its places name the batch",
    "inner": "it multiplies every sample by every other",
    "rearrange": "Keras does not take an unknown batch",
    "rearrange_joined": "Keras does not take an unknown batch",
    "rearrange_apart": "Keras does not take an unknown batch",
}
"""Models that are made for a batch of one."""


def _marked(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", _marked(list(MODELS)))
def test_a_model_of_operations(name: str):
    model = MODELS[name]()

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), name))[1]
    assert [] == disagreements(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if name not in KNOWN_BATCH])
def test_a_model_of_operations_with_a_dynamic_batch(name: str):
    model = MODELS[name]()

    assert () == lower(layer_graph(keras.saving.serialize_keras_object(model), name), batch=None)[1]
    assert [] == disagreements(model, "dynamic")


HELPERS = {"Function", "SegmentReduction", "ScaleAndTranslateOp"}
"""Classes that no public function makes."""


def test_every_operation_of_keras_is_lowered_or_has_a_reason():
    missing = {
        class_.__name__
        for class_ in _subclasses(keras.Operation)
        if class_.__module__.startswith("keras.src.ops.") and class_.__name__ not in OPERATIONS
    }

    assert not missing - HELPERS
    assert not {name for name in WITHOUT if OPERATIONS[name] is not WITHOUT[name]}


def _subclasses(class_: type) -> set[type]:
    below = set(class_.__subclasses__())
    return below.union(*map(_subclasses, below)) if below else below


def test_an_operation_without_ops_says_why():
    tensor = keras.Input((4, 4))
    model = keras.Model(tensor, keras.ops.linalg.det(tensor))

    (diagnostic,) = lower(layer_graph(keras.saving.serialize_keras_object(model), "model"))[1]
    assert "it takes a matrix apart" in diagnostic.message


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (lambda tensor: keras.ops.celu(tensor, 0.0), "its `alpha` is 0"),
        (lambda tensor: keras.ops.quantile(tensor, 1.5), "its quantile is 1.5"),
    ],
    ids=["celu", "quantile"],
)
def test_an_argument_without_meaning_says_so(operation, reason: str):
    tensor = keras.Input((4, 4))
    model = keras.Model(tensor, operation(tensor))

    (diagnostic,) = lower(layer_graph(keras.saving.serialize_keras_object(model), "model"))[1]
    assert reason in diagnostic.message


@pytest.mark.parametrize(
    ("shape", "kernel", "settings"),
    [
        ((5, 3), (3, 4, 3), {"strides": 2}),
        ((5, 3), (3, 4, 3), {"strides": 1, "padding": "same", "dilation_rate": 2}),
        ((4, 5, 3), (3, 2, 4, 3), {"strides": (2, 1), "padding": "same"}),
        ((4, 5, 3), (3, 2, 4, 3), {"dilation_rate": (1, 2)}),
    ],
)
def test_a_transposed_convolution_of_constants(shape: tuple[int, ...], kernel: tuple[int, ...], settings: dict):
    """Keras 3.15 itself cannot run a model with one, as its operation swaps two of its own arguments."""
    generator = np.random.default_rng(20261123)
    values, given = (
        generator.normal(size=kernel).astype("float32"),
        generator.normal(size=(1, *shape)).astype("float32"),
    )
    wanted = keras.ops.conv_transpose(given, values, **settings)
    tensor = keras.Input(shape)
    model = keras.Model(tensor, keras.ops.conv_transpose(tensor, values, **settings))

    quantized = QuantizedModel(model, qspec.loads("qspec 1\n"))
    file = lower_live(quantized)

    values = run(make_interpreter(file.content, kernels="built_in", threads=1), [given])
    found = dict(zip(file.outputs, values, strict=True))[quantized.plan.predicted.outputs[0]]
    np.testing.assert_allclose(np.asarray(wanted), found, rtol=1e-4, atol=1e-4)
