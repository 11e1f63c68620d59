"""The prediction against the converter: every supported class, compositions, five published architectures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from qspec.graph.keras_config import layer_graph
from qspec.graph.versions import op_version
from qspec.lowering import lower, variables
from tests.lowering import lowering_zoo as zoo
from tests.lowering.lowering_oracle import Signatures, attributes_of, convert_cut, convert_plain, kind_of, randomize

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

SINGLE = zoo.single_layers()
COMPOSED = zoo.composed()

PLAIN_DIFFERS = {
    "conv_hard_sigmoid": "the converter adds the 3 of relu6(x + 3) to the bias",
    "dense_hard_sigmoid": "the converter adds the 3 of relu6(x + 3) to the bias",
    "nested_twice": "Keras' addition takes a vector for a bias and reshapes it",
    "sequential_cnn": "the converter multiplies the rescaling into the kernel behind it",
    "squeeze_excite": "the converter joins a mean and a reshape to a mean that keeps dimensions",
    "shared_with_two_normalizations": "the converter makes two kernels of one variable",
    "reshapes": "the converter joins two reshapes",
}
"""Where the whole model, converted at once, is rewritten across a layer's output, which qspec's own lowering is not."""

OWN_DIFFERS = {
    ("conv_dilated", None): "Keras' own is a SPACE_TO_BATCH_ND, a convolution and a BATCH_TO_SPACE_ND",
    ("depthwise_dilated", None): "Keras' own is a SPACE_TO_BATCH_ND, a convolution and a BATCH_TO_SPACE_ND",
    ("dense_sequence", None): "Keras' own reads the shape from the tensor",
    ("dense_image", None): "Keras' own reads the shape from the tensor",
    ("zero_padding_nothing", None): "Keras' own is a PAD of nothing",
    ("cropping_nothing", 1): "Keras' own is a STRIDED_SLICE of everything",
    ("cropping_nothing", None): "Keras' own is a STRIDED_SLICE of everything",
    ("dense_then_relu", None): "Keras' own reads the shape from the tensor",
}
"""Where qspec's own lowering, which another test holds against its prediction, has better ops than Keras' layers."""

APPLICATIONS = {
    "MobileNet": {"input_shape": (96, 96, 3), "alpha": 0.25},
    "MobileNetV2": {"input_shape": (96, 96, 3), "alpha": 0.35},
    "ResNet50": {"input_shape": (64, 64, 3)},
    "ResNet50V2": {"input_shape": (64, 64, 3)},
    "NASNetMobile": {"input_shape": (224, 224, 3)},
}


@pytest.mark.parametrize("batch", [1, None], ids=["batch_1", "dynamic"])
@pytest.mark.parametrize("name", SINGLE)
def test_a_layer_becomes_what_the_converter_makes_of_it(name: str, batch: int | None):
    if (name, batch) in OWN_DIFFERS:
        pytest.skip(OWN_DIFFERS[name, batch])
    shape, layers = SINGLE[name]

    _agree(name, zoo.chain(shape, layers()), batch)


@pytest.mark.parametrize("name", COMPOSED)
def test_composed_layers_become_what_the_converter_makes_of_them(name: str):
    _agree(name, COMPOSED[name](), 1)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if "Mobile" in name[:6] else pytest.mark.slow) for name in APPLICATIONS]
)
def test_a_published_architecture_becomes_what_the_converter_makes_of_it(name: str):
    model = getattr(keras.applications, name)(weights=None, **APPLICATIONS[name])

    _agree(name, model, 1)


@pytest.mark.parametrize("name", [*SINGLE, *COMPOSED])
def test_variables_are_those_that_keras_makes(name: str):
    model = zoo.chain(SINGLE[name][0], SINGLE[name][1]()) if name in SINGLE else COMPOSED[name]()
    layers = layer_graph(keras.saving.serialize_keras_object(model), name)
    ops, _ = lower(layers)

    for call in layers.calls:
        if call.layer.class_name == "InputLayer":
            continue
        inner: Any = model
        for part in call.layer.path.split("/"):
            inner = inner.get_layer(part)
        shapes = [ops.shapes[value.call][value.output] for value in call.inputs]
        made = {weight.name: tuple(weight.shape) for weight in inner.weights if "seed" not in weight.path}
        assert made == variables(call.layer, shapes), call.layer.path


def _agree(name: str, model: Any, batch: int | None) -> None:
    randomize(model)
    layers = layer_graph(keras.saving.serialize_keras_object(model), name)
    ops, diagnostics = lower(layers, batch)
    if batch is None and diagnostics:
        assert all("dynamic" in diagnostic.message for diagnostic in diagnostics)
        return
    assert diagnostics == ()

    signatures = Signatures()
    file, cuts, outputs = convert_cut(model, layers, ops, batch)
    expected, expected_outputs = signatures.of_file(file, cuts, outputs)
    predicted, predicted_outputs = signatures.of_prediction(ops)
    assert [] == [signatures.explain(number) for number in expected - predicted]
    assert [] == [signatures.explain(number) for number in predicted - expected]
    assert expected_outputs == [number for number, index in zip(predicted_outputs, outputs, strict=True) if index >= 0]

    assert _versions(file) == _predicted_versions(ops)

    if batch is None and any(isinstance(layer, (keras.layers.Flatten, keras.layers.Reshape)) for layer in model.layers):
        return  # how Keras' own reshapes lower then changed with its version 3.11
    plain = convert_plain(model, batch)
    assert (name in PLAIN_DIFFERS) == (_counted(plain) != _predicted(ops)), "conversion of the whole model at once"


def _counted(file: Any) -> Counter[Any]:
    """Kind, fused activation and output shape of every op of a file."""
    found: Counter[Any] = Counter()
    for operator in file.subgraphs[0].operators:
        tensor = file.subgraphs[0].tensors[operator.outputs[0]]
        signature = tensor.shapeSignature
        shape = tensor.shape if signature is None or len(signature) == 0 else signature
        activation = attributes_of(operator).get("fused_activation_function")
        found[kind_of(file, operator), activation, tuple(int(size) for size in shape)] += 1
    return found


def _predicted(ops: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for op in ops.ops:
        shape = tuple(-1 if size is None else size for size in ops.tensors[op.outputs[0]].shape)
        found[op.kind, op.attributes.get("fused_activation_function"), shape] += 1
    return found


def _predicted_versions(ops: Any) -> dict[str, int]:
    """The highest version of each kind; the converter writes it for all ops of the kind."""
    found: dict[str, int] = {}
    for op in ops.ops:
        operands = [ops.tensors[tensor] if tensor >= 0 else None for tensor in op.inputs]
        version = op_version(
            op.kind,
            [tensor.type if tensor else "none" for tensor in operands],
            [ops.tensors[op.outputs[0]].type],
            op.attributes,
            [tensor.shape if tensor else None for tensor in operands],
        )
        assert version is not None, op.kind
        found[op.kind] = max(version, found.get(op.kind, 1))
    return found


def _versions(file: Any) -> dict[str, int]:
    return {
        kind_of(file, operator): file.operatorCodes[operator.opcodeIndex].version
        for operator in file.subgraphs[0].operators
    }
