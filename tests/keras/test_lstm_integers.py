"""LSTM in integer files: equal to the simulation in every element, trained through, read back, and reset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import qspec
from qspec.graph.tflite_file import parse_tflite
from qspec.keras.public import parameters
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.flatbuffer import pack, unpack
from qspec.litert.interpreter import make_interpreter
from qspec.litert.predict import predict
from qspec.litert.structure import verify_structure
from qspec.plan.file_size import predicted_size
from tests.lowering.own_lowering import randomize
from tests.lowering.test_fused_lstm import CASES, OP, chain, recognizer
from tests.versions import FLATBUFFERS_OF_THE_SIZES, KERAS_OF_THE_ZOOS

L = keras.layers
pytestmark = KERAS_OF_THE_ZOOS

SPEC = """
qspec 1
import "std/int8.qspec"
input { batch = BATCH }
default { weights = w8, output = a8 }
"""
QUICK = ("long", "bidirectional_sequence", "distributed")


def spec(rules: str = "", batch: int | str = 1) -> Any:
    """The usual spec, and rules."""
    return qspec.loads(SPEC.replace("BATCH", str(batch)) + rules)


def data(model: keras.Model, scale: float = 1.0, count: int = 8) -> Any:
    """Samples of a model's inputs, a sequence of unknown length having seven steps."""
    generator = np.random.default_rng(20261123)
    shapes = [[size or 7 for size in tensor.shape[1:]] for tensor in keras.tree.flatten(model.input)]
    arrays = [generator.uniform(-scale, scale, (count, *shape)).astype("float32") for shape in shapes]
    return arrays if len(arrays) > 1 else arrays[0]


def quantized(model: keras.Model, path: Path, rules: str = "", batch: int | str = 1, scale: float = 1.0) -> Any:
    """The result of quantizing a model with random weights."""
    randomize(model)
    samples = data(model, scale)
    return qspec.quantize(spec(rules, batch), model, samples, path, samples=samples)


def of_op(result: Any) -> list[Any]:
    """The parity of the op's results."""
    return [tensor for tensor in result.parity.tensors if tensor.op == OP]


def kinds(path: Path) -> list[str]:
    """The ops of a file."""
    return [op.kind for op in parse_tflite(path.read_bytes(), str(path)).main.graph.ops]


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CASES])
def test_every_element_is_as_simulated(name: str, tmp_path: Path):
    make, count = CASES[name]

    result = quantized(make(), tmp_path / "m.tflite")

    assert result.ok
    assert count == kinds(tmp_path / "m.tflite").count(OP)
    assert count == len(of_op(result))
    assert [(0, 1.0)] * count == [(tensor.largest, tensor.equal) for tensor in of_op(result)]
    assert result.parity.sqnr >= 30


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.05, 3.0, 30.0])
@pytest.mark.parametrize("batch", [1, 4])
def test_the_same_of_small_and_large_values(scale: float, batch: int, tmp_path: Path):
    """Gates that hardly open, and gates and cell states that saturate."""
    model = chain((60, 5), L.LSTM(8, return_sequences=True), L.LSTM(6, return_sequences=True))
    randomize(model)
    for layer in model.layers[1:]:
        layer.cell.kernel.assign(layer.cell.kernel * scale)
        layer.cell.bias.assign(layer.cell.bias * scale)
    samples = data(model, scale)

    result = qspec.quantize(spec(batch=batch), model, samples, tmp_path / "m.tflite", samples=samples)

    assert [(0, 1.0)] * 2 == [(tensor.largest, tensor.equal) for tensor in of_op(result)]


def test_a_cell_that_leaves_the_range_saturates_as_in_the_kernel(tmp_path: Path):
    rules = 'rule small match LSTM { state["cell"] = a8(type = int16, scheme = symmetric, range = fixed(-0.25, 0.25)) }'
    model = chain((30, 3), L.LSTM(4, return_sequences=True))

    result = quantized(model, tmp_path / "m.tflite", rules, scale=4.0)

    assert [(0, 1.0)] == [(tensor.largest, tensor.equal) for tensor in of_op(result)]


def test_a_float_layer_is_the_op_too(tmp_path: Path):
    model = chain((80, 3), L.LSTM(4), L.Dense(2))

    result = quantized(model, tmp_path / "m.tflite", "rule memory match LSTM { all = float }")

    assert OP in kinds(tmp_path / "m.tflite")
    assert result.ok
    assert result.parity.sqnr >= 30


def test_weights_of_four_bits_are_written_out(tmp_path: Path):
    rules = "rule small match LSTM { weights = w8(type = int4) }"

    result = quantized(chain((6, 3), L.LSTM(4)), tmp_path / "m.tflite", rules)

    assert OP not in kinds(tmp_path / "m.tflite")
    assert result.parity.largest <= 1


def test_a_speech_or_text_recognizer(tmp_path: Path):
    result = quantized(recognizer(), tmp_path / "m.tflite")

    graph = parse_tflite((tmp_path / "m.tflite").read_bytes(), "m.tflite").main.graph
    float_ops = [
        op.kind
        for op in graph.ops
        if any(graph.tensors[tensor].type == "float32" for tensor in (*op.inputs, *op.outputs) if tensor >= 0)
    ]
    assert ["QUANTIZE", "DEQUANTIZE"] == float_ops
    assert result.parity.largest <= 1
    assert result.parity.sqnr >= 30


def test_the_model_is_near_the_float_one(tmp_path: Path):
    model = chain((40, 3), L.Bidirectional(L.LSTM(16, return_sequences=True)), L.LSTM(8))
    quantized(model, tmp_path / "m.tflite")
    samples = data(model)

    found, wanted = predict((tmp_path / "m.tflite").read_bytes(), samples), model.predict(samples, verbose=0)

    assert 10 * np.log10(np.square(wanted).sum() / np.square(wanted - found).sum()) > 25


# ---- the state


def test_the_state_stays_from_run_to_run_unless_it_is_reset(tmp_path: Path):
    model = chain((5, 3), L.LSTM(4))
    quantized(model, tmp_path / "m.tflite")
    content, samples = (tmp_path / "m.tflite").read_bytes(), data(model)[:1]
    interpreter = make_interpreter(content, "fast")
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run() -> list[float]:
        interpreter.set_tensor(given["index"], samples)
        interpreter.invoke()
        return list(interpreter.get_tensor(result["index"]).ravel())

    first, second = run(), run()
    interpreter.reset_all_variables()

    assert first != second
    assert first == run()
    assert first == list(predict(content, np.repeat(samples, 3, 0))[2])


Change = Callable[[Any, Any], None]


def _no_variable(operator: Any, body: Any) -> None:
    body.tensors[operator.inputs[18]].isVariable = False


def _cell_scale(operator: Any, body: Any) -> None:
    body.tensors[operator.inputs[19]].quantization.scale = [2.0**-9]


def _no_intermediates(operator: Any, body: Any) -> None:
    operator.intermediates = None


def _hidden_scale(operator: Any, body: Any) -> None:
    body.tensors[operator.intermediates[4]].quantization.scale = [1.0]


def _gates_swapped(operator: Any, body: Any) -> None:
    operator.inputs[1], operator.inputs[2] = operator.inputs[2], operator.inputs[1]


@pytest.mark.parametrize("change", [_no_variable, _cell_scale, _no_intermediates, _hidden_scale, _gates_swapped])
def test_what_is_otherwise_in_the_file_is_found(change: Change, tmp_path: Path):
    model = chain((5, 3), L.LSTM(4))
    randomize(model)
    made = qspec.apply(spec(), model, data(model))
    qspec.export(made, tmp_path / "m.tflite", data(model))
    stored = unpack((tmp_path / "m.tflite").read_bytes())
    body = stored.subgraphs[0]
    (operator,) = [each for each in body.operators if len(each.inputs) == 24]
    operator.inputs = list(operator.inputs)
    assert [] == verify_structure(pack(stored), "m.tflite", made.plan, parameters(made))[1]

    change(operator, body)

    assert [] != verify_structure(pack(stored), "m.tflite", made.plan, parameters(made))[1]


@FLATBUFFERS_OF_THE_SIZES
@pytest.mark.parametrize("edges", ["", "output { type = int8 }\n"])
def test_the_size_is_predicted_to_the_byte(edges: str, tmp_path: Path):
    model = chain((50, 3), L.LSTM(4, return_sequences=True), L.Bidirectional(L.LSTM(3)))

    result = quantized(model, tmp_path / "m.tflite", edges)

    assert result.size == predicted_size(QuantizedModel(model, spec(edges)).plan)


# ---- training


def _task() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Noise around two numbers, which are to be found."""
    keras.utils.set_random_seed(1)
    model = chain((12, 2), L.LSTM(6, return_sequences=True), L.LSTM(4, name="memory"), L.Dense(2))
    generator = np.random.default_rng(20261123)
    wanted = generator.uniform(-1, 1, (64, 2)).astype("float32")
    return model, wanted[:, None] + generator.uniform(-0.2, 0.2, (64, 12, 2)).astype("float32"), wanted


def test_gradients_are_nearly_those_of_the_float_model():
    model, samples, wanted = _task()
    made = qspec.apply(spec(), model, samples)

    def gradients(called: Any) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(called(samples) - wanted))
        of_lstm = [variable for variable in made.float_model.trainable_variables if "lstm" in variable.path]
        return [np.ravel(part) for part in tape.gradient(loss, of_lstm)]

    for ours, theirs in zip(gradients(made), gradients(made.float_model), strict=True):
        assert ours @ theirs > 0.99 * np.linalg.norm(ours) * np.linalg.norm(theirs)
        assert 0.9 < np.linalg.norm(ours) / np.linalg.norm(theirs) < 1.1


def test_training_lowers_the_loss_and_the_file_agrees(tmp_path: Path):
    model, samples, wanted = _task()
    made = qspec.apply(spec(), model, samples)
    cell = made.ranges[_range_of(made, "memory/cell")]
    before = float(cell.maximum)
    made.compile(keras.optimizers.Adam(0.02), "mse")

    losses = made.fit(samples, wanted, batch_size=16, epochs=5, verbose=0).history["loss"]
    result = qspec.export(made, tmp_path / "m.tflite", samples[:8])

    assert losses[-1] < 0.7 * losses[0]
    assert before != float(cell.maximum)
    assert [(0, 1.0)] * 2 == [(tensor.largest, tensor.equal) for tensor in of_op(result)]
    made.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert np.array_equal(made.predict(samples, verbose=0), again.predict(samples, verbose=0))


def _range_of(made: QuantizedModel, name: str) -> int:
    tensor = next(tensor.id for tensor in made.plan.ops.tensors if tensor.name == name)
    index = made.plan.decisions[tensor].range
    assert index is not None
    return index


@pytest.mark.slow
def test_training_compiled_by_xla_is_the_same():
    losses = []
    for compiled in (False, True):
        model, samples, wanted = _task()
        made = qspec.apply(spec(), model, samples)
        made.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=compiled)
        losses.append(made.fit(samples, wanted, batch_size=16, epochs=3, shuffle=False, verbose=0).history["loss"])

    assert np.allclose(losses[0], losses[1], rtol=1e-3)
