"""A hand-made float file and a plan in, integers out: held against numpy."""

import numpy as np
import pytest

from qspec import SpecError
from qspec.litert.flatbuffer import schema, unpack
from qspec.litert.float_file import FloatFile
from qspec.litert.predict import predict
from qspec.litert.writer import write
from tests.litert.perceptron import (
    BIASES,
    EDGES,
    KERNELS,
    SAMPLES,
    FileBuilder,
    found_parameters,
    perceptron_plan,
    reference,
    tensor_of,
    written,
)
from tests.plan.plan_helpers import named

KINDS = {value: name for name, value in vars(schema().TensorType).items() if isinstance(value, int)}


def stored(model, name):
    tensor = tensor_of(model, name)
    data = bytes(model.buffers[tensor.buffer].data)
    return np.frombuffer(data, KINDS[tensor.type].lower()).reshape(tensor.shape)


def test_everything_is_an_integer_and_outputs_are_those_of_the_model():
    file = written()

    types = {KINDS[tensor.type] for tensor in unpack(file.content).subgraphs[0].tensors}

    assert {"INT8", "INT32"} == types
    noise = predict(file.content, SAMPLES, "reference") - reference(SAMPLES)
    assert 0.05 > np.abs(noise).max()


def test_weights_and_biases_mean_what_the_float_file_holds():
    model = unpack(written().content)

    for name, kernel, bias in zip(("first", "last"), KERNELS, BIASES, strict=True):
        weights = tensor_of(model, f"{name}/kernel").quantization
        scales = np.abs(kernel).max(1) / 127
        assert np.allclose(scales, weights.scale)
        assert np.allclose(kernel, stored(model, f"{name}/kernel") * scales[:, None], atol=scales.max() / 2)
        offset = tensor_of(model, f"{name}/bias").quantization
        assert np.allclose(bias, stored(model, f"{name}/bias") * offset.scale, atol=max(offset.scale))


def test_casts_stand_at_float_edges_only():
    inside = [operator.opcodeIndex for operator in unpack(written().content).subgraphs[0].operators]
    file = written("")
    model = unpack(file.content)

    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in model.subgraphs[0].operators]

    names = schema().BuiltinOperator
    assert 2 == len(inside)
    assert [names.QUANTIZE, names.FULLY_CONNECTED, names.FULLY_CONNECTED, names.DEQUANTIZE] == codes
    assert np.array_equal(predict(written().content, SAMPLES, "reference"), predict(file.content, SAMPLES, "reference"))


def test_a_float_layer_keeps_its_floats():
    model = unpack(written(EDGES + 'rule last match Dense where name == "last" { all = float }\n').content)

    assert np.array_equal(KERNELS[1], stored(model, "last/kernel"))
    assert np.array_equal(BIASES[1], stored(model, "last/bias"))


def test_the_signature_names_inputs_and_outputs():
    (signature,) = unpack(written().content).signatureDefs

    assert [b"image"] == [entry.name for entry in signature.inputs]
    assert [b"last"] == [entry.name for entry in signature.outputs]


@pytest.mark.parametrize("added", ["inside", "behind"])
def test_an_op_that_the_plan_does_not_know_is_told(added):
    plan = perceptron_plan()
    builder = FileBuilder()
    image, first, more, last = (
        builder.tensor(name, (1, size)) for name, size in zip("ifml", (4, 3, 3, 2), strict=True)
    )
    builder.dense(0, image, first, relu=added == "behind")
    builder.relu(first, more)
    builder.dense(1, more, last, relu=False)
    content = builder.content([image], [more if added == "inside" else first, last])
    planned = tuple(named(plan, name) for name in ("first", "last"))
    file = FloatFile(content, tuple(plan.predicted.inputs), planned)

    with pytest.raises(SpecError, match="QS604"):
        write(file, plan, found_parameters(plan, file))
