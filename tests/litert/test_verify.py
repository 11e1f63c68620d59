"""Every way in which a file can differ from the plan is found."""

import numpy as np
import pytest

from qspec import SpecError
from qspec.litert.flatbuffer import schema
from qspec.litert.structure import verify_structure
from qspec.litert.verify import verify_parity
from qspec.numerics import dequantize, quantize
from tests.litert.perceptron import BIASES, KERNELS, SAMPLES, changed, hidden, tensor_of, written
from tests.plan.plan_helpers import named


def structure(file, content):
    return verify_structure(content, "m.tflite", file.plan, file.parameters)


def messages(file, content):
    return [problem.message for problem in structure(file, content)[1]]


def test_an_untouched_file_is_what_the_plan_has():
    file = written()

    indices, problems = structure(file, file.content)

    assert [] == problems
    assert set(indices) >= set(file.parameters)


def scale(model):
    quantization = tensor_of(model, "first").quantization
    quantization.scale = quantization.scale * np.float32(1.001)


def one_channel(model):
    quantization = tensor_of(model, "first/kernel").quantization
    quantization.scale = np.concatenate([quantization.scale[:2], quantization.scale[:1]])


def one_scale_for_all(model):
    quantization = tensor_of(model, "first/kernel").quantization
    quantization.scale, quantization.zeroPoint = quantization.scale[:1], quantization.zeroPoint[:1]


def zero_point(model):
    quantization = tensor_of(model, "first").quantization
    quantization.zeroPoint = quantization.zeroPoint + 1


def kind(model):
    tensor_of(model, "first").type = schema().TensorType.UINT8


def axis(model):
    tensor_of(model, "first/kernel").quantization.quantizedDimension = 1


def bias_scale(model):
    quantization = tensor_of(model, "last/bias").quantization
    quantization.scale = quantization.scale * np.float32(2)


def no_parameters(model):
    tensor_of(model, "first").quantization = None


def float_weights(model):
    tensor = tensor_of(model, "last/kernel")
    tensor.type, tensor.quantization = schema().TensorType.FLOAT32, None


def extra_float(model):
    extra = schema().TensorT()
    extra.name, extra.shape, extra.type = "extra", [1], schema().TensorType.FLOAT32
    model.subgraphs[0].tensors.append(extra)


def other_op(model):
    for code in model.operatorCodes:
        code.builtinCode = code.deprecatedBuiltinCode = schema().BuiltinOperator.ADD


def unknown_op(model):
    for code in model.operatorCodes:
        code.builtinCode = 100_000


def missing_op(model):
    model.subgraphs[0].operators.pop()


def rewired(model):
    first, last = model.subgraphs[0].operators
    last.inputs = [first.inputs[0], *last.inputs[1:]]


def no_bias(model):
    operator = model.subgraphs[0].operators[1]
    operator.inputs = [*operator.inputs[:2], -1]


def fewer_operands(model):
    operator = model.subgraphs[0].operators[1]
    operator.inputs = operator.inputs[:2]


def other_output(model):
    body = model.subgraphs[0]
    body.outputs = body.operators[0].outputs


def more_outputs(model):
    body = model.subgraphs[0]
    body.outputs = [*body.outputs, *body.operators[0].outputs]


TAMPERED = {
    scale: "`first` has scale",
    one_channel: "`first/kernel` has scale of 3 channels",
    one_scale_for_all: "`first/kernel` has one scale, the plan 3 scales",
    zero_point: "`first` has zero point",
    kind: "`first` is uint8, the plan has int8",
    axis: "`first/kernel` has its scales along axis 1, the plan along 0",
    bias_scale: "`last/bias` has scale",
    no_parameters: "`first` has no scale",
    float_weights: "`last/kernel` is float32, the plan has int8",
    extra_float: "is float, and the plan has no such tensor",
    other_op: "op 0 is ADD, the plan has FULLY_CONNECTED",
    unknown_op: "op 0 is an unknown op",
    missing_op: "op 1 is the end, the plan has FULLY_CONNECTED",
    rewired: "FULLY_CONNECTED of `last` reads or writes another tensor",
    no_bias: "FULLY_CONNECTED of `last` reads or writes another tensor",
    fewer_operands: "FULLY_CONNECTED of `last` reads or writes another tensor",
    other_output: "its outputs are other tensors",
    more_outputs: "its outputs are other tensors",
}


@pytest.mark.parametrize("change", TAMPERED, ids=lambda change: change.__name__)
def test_what_was_changed_is_named(change):
    file = written()

    found = messages(file, changed(file.content, change))

    assert any(TAMPERED[change] in message for message in found), found


def simulate_with(file):
    """The plan in numpy: floats between the tensors that the plan speaks of."""
    image, first, last = (named(file.plan, name) for name in ("image", "first", "last"))

    def fake(tensor, values):
        return dequantize(quantize(values, file.parameters[tensor]), file.parameters[tensor])

    def simulate(inputs, replace):
        replace = replace or (lambda _, values: values)
        values = replace(image, fake(image, inputs[0]))
        values = replace(first, fake(first, hidden(values)))
        return [replace(last, fake(last, values @ KERNELS[1].T + BIASES[1]))]

    return simulate


def parity(file, content, simulate=None):
    indices, _ = structure(file, file.content)
    return verify_parity(
        content, "m.tflite", file.plan, file.parameters, indices, simulate or simulate_with(file), [SAMPLES]
    )


def test_parity_is_near_where_the_file_computes_what_is_simulated():
    file = written()

    found = parity(file, file.content)

    assert {"image", "first", "last"} == {tensor.tensor for tensor in found.tensors}
    assert 1 >= found.largest
    assert 30 <= found.sqnr
    assert len(SAMPLES) == found.samples


def test_parity_is_broken_where_a_weight_was_changed():
    def weight(model):
        buffer = model.buffers[tensor_of(model, "first/kernel").buffer]
        buffer.data = np.roll(buffer.data, 1)

    file = written()

    found = parity(file, changed(file.content, weight))

    assert 1 < found.largest
    assert 20 > found.sqnr


def test_a_file_that_runs_with_other_shapes_is_told():
    file = written()

    def simulate(inputs, replace):
        return [replace(named(file.plan, "first"), np.zeros((len(inputs[0]), 5), np.float32))]

    with pytest.raises(SpecError, match="QS601"):
        parity(file, file.content, simulate)


def test_paddings_and_axes_are_compared():
    from qspec.graph.ops import Tensor
    from qspec.litert.structure import _has_values

    values = np.array([[0, 0], [1, 2]], np.int32)
    stored, model = schema().TensorT(), schema().ModelT()
    stored.shape, stored.buffer, model.buffers = [2, 2], 0, [schema().BufferT()]
    model.buffers[0].data = np.frombuffer(values.tobytes(), np.uint8)

    def planned(value):
        return Tensor(0, "paddings", (2, 2), "int32", constant=True, value=value)

    assert _has_values(model, stored, planned(((0, 0), (1, 2))))
    assert not _has_values(model, stored, planned(((0, 0), (2, 1))))
