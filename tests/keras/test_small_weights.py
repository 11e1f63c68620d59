"""Weights smaller than the activations beside them: what stands in the file, and what its kernels compute."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np

import qspec
from qspec.diagnostics import SpecError
from qspec.graph.tflite_file import Subgraph, read_tflite_file
from qspec.litert.verify import sqnr
from qspec.plan.file_size import predicted_size
from tests.versions import SIZES_ARE_EXACT

SEED = 5
ROWS = np.random.default_rng(SEED).normal(size=(48, 64)).astype("float32") + 0.3
IMAGES = np.random.default_rng(SEED).normal(size=(24, 9, 9, 4)).astype("float32")


def dense(activation: str | None = None) -> keras.Model:
    keras.utils.set_random_seed(SEED)
    return keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, activation=activation, name="layer")])


def network() -> keras.Model:
    """Every layer with weights, but for those in three dimensions."""
    keras.utils.set_random_seed(SEED)
    image = keras.Input((9, 9, 4))
    x = keras.layers.Conv2D(8, 3, activation="relu")(image)
    x = keras.layers.BatchNormalization()(keras.layers.DepthwiseConv2D(3)(x))
    x = keras.layers.Conv2DTranspose(8, 3, strides=2)(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, groups=2)(x))
    x = keras.layers.LayerNormalization()(keras.layers.Dense(32, activation="gelu")(x))
    model = keras.Model(image, keras.layers.Dense(5)(x))
    chance = np.random.default_rng(SEED)
    for weight in model.trainable_weights:
        if weight.name != "kernel":  # equal constants would share their place in the file
            weight.assign(weight + chance.normal(0, 0.1, weight.shape))
    return model


def spec(quantizer: str, more: str = "", output: str = ""):
    rules = f"quantizer w {{ {quantizer} }}\ndefault {{ weights = w {output} }}\n{more}"
    used = 'import "std/int8.qspec"\n' if "8" in output + more else ""
    return qspec.loads(f"qspec 1\n{used}{rules}")


def kernel_of(file: Subgraph):
    return next(tensor for tensor in file.graph.tensors if tensor.name == "layer/kernel")


def by_rows(values: np.ndarray) -> np.ndarray:
    """What 8 bits with a zero point make of each row, in numpy: the definition, not our simulation."""
    low, high = np.minimum(values.min(1, keepdims=True), 0), np.maximum(values.max(1, keepdims=True), 0)
    scale = (high - low) / np.float32(255)
    zero_point = np.rint(-128 - low / scale)
    return (np.clip(np.rint(values / scale) + zero_point, -128, 127) - zero_point) * scale


def on_grid(weights: np.ndarray, highest: int) -> np.ndarray:
    """[inputs, outputs] with a scale for each output."""
    scale = np.abs(weights).max(0) / highest
    return np.clip(np.rint(weights / scale), -highest, highest) * scale


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_a_product_quantizes_its_input_while_it_runs(tmp_path, bits: int):
    model = dense("relu")
    result = qspec.quantize(spec(f"type = int{bits}, granularity = per_channel"), model, ROWS, tmp_path / "m.tflite")
    kernel, bias = (np.asarray(weight) for weight in model.weights)

    assert result.ok
    assert ["FULLY_CONNECTED"] == [op.kind for op in read_tflite_file(result.path).main.graph.ops]
    file = read_tflite_file(result.path).main
    assert (f"int{bits}", 64 * 10 * bits // 8) == (kernel_of(file).type, file.stored[kernel_of(file).id])
    expected = np.maximum(by_rows(ROWS) @ on_grid(kernel, 2 ** (bits - 1) - 1) + bias, 0)
    assert sqnr(expected, result.predict(ROWS)) > 100
    (product,) = result.parity.products
    assert ("layer", "FULLY_CONNECTED") == (product.tensor, product.op)
    assert product.sqnr > 100  # under LiteRT's own kernels


@pytest.mark.parametrize(
    ("quantizer", "dequantized"),
    [
        ("type = int8, granularity = per_channel", 0),
        ("type = int8, scheme = symmetric", 2),  # grouped and depthwise kernels want a scale for each channel
        ("type = int8, scheme = asymmetric", 6),
        ("type = int4, granularity = per_channel", 2),
        ("type = int2, granularity = per_channel", 4),
        ("type = int16, scheme = symmetric", 6),
        ("type = float16", 12),
    ],
)
def test_what_no_kernel_takes_is_behind_a_dequantize(tmp_path, quantizer: str, dequantized: int):
    asked = spec(quantizer)
    result = qspec.quantize(asked, network(), IMAGES, tmp_path / "m.tflite")
    file = read_tflite_file(result.path).main

    assert result.ok
    assert dequantized == sum(op.kind == "DEQUANTIZE" for op in file.graph.ops)
    assert not any(op.kind == "QUANTIZE" for op in file.graph.ops)
    kernels = [tensor for tensor in file.graph.tensors if tensor.constant and tensor.name.endswith("kernel")]
    assert ([asked.quantizers["w"].type] * 6) == [kernel.type for kernel in kernels]
    assert result.parity.sqnr_fast > 100
    assert predicted_size(result.report.plan) == result.size or not SIZES_ARE_EXACT


def test_float16_is_half_the_file_and_rounds_each_weight_once(tmp_path):
    model = dense()
    result = qspec.quantize(spec("type = float16"), model, ROWS, tmp_path / "m.tflite")
    kernel, bias = (np.asarray(weight).astype(np.float16).astype(np.float32) for weight in model.weights)

    assert {"layer/kernel": "float16", "layer/bias": "float16"} == {
        tensor.name: tensor.type for tensor in read_tflite_file(result.path).main.graph.tensors if tensor.constant
    }
    assert sqnr(ROWS @ kernel + bias, result.predict(ROWS)) > 120


def test_a_float_bias_beside_float16_weights_is_float32(tmp_path):
    asked = spec("type = float16", "rule r match Dense { bias = float }")
    result = qspec.quantize(asked, dense(), ROWS, tmp_path / "m.tflite")
    types = {tensor.name: tensor.type for tensor in read_tflite_file(result.path).main.graph.tensors}

    assert ("float16", "float32") == (types["layer/kernel"], types["layer/bias"])


def test_integer_activations_and_float16_weights_do_not_go_together():
    report = qspec.check(spec("type = float16", output=", output = a8"), dense())

    assert ["QS401"] == [item.code for item in report.diagnostics]
    assert "float16" in report.diagnostics[0].message


def test_an_integer_bias_beside_a_float_result_is_an_error():
    more = "quantizer b { type = int32 }\nrule r match Dense { bias = b }"
    report = qspec.check(spec("type = int8, granularity = per_channel", more), dense())

    assert ["QS401"] == [item.code for item in report.diagnostics]


@pytest.mark.parametrize("range_", ["minmax", "mse"])
def test_blocks_have_a_scale_each(tmp_path, range_: str):
    model = dense()
    asked = spec(f"type = int4, granularity = per_block(32), range = {range_}")
    result = qspec.quantize(asked, model, ROWS, tmp_path / "m.tflite")
    kernel, bias = (np.asarray(weight) for weight in model.weights)
    blocks = kernel.T.reshape(10, 2, 32)
    file = read_tflite_file(result.path).main

    assert result.ok
    assert "BlockwiseQuantization" == file.quantization[kernel_of(file).id].details
    assert predicted_size(result.report.plan) == result.size or not SIZES_ARE_EXACT
    if range_ == "mse":
        return
    scale = np.abs(blocks).max(-1, keepdims=True) / 7
    fraction, exponent = np.frexp(scale)
    scale = np.rint(fraction * 256) / 256 * 2.0**exponent  # eight bits of it, as bfloat16 has
    weights = (np.clip(np.rint(blocks / scale), -8, 7) * scale).reshape(10, 64)
    assert sqnr(by_rows(ROWS) @ weights.T + bias, result.predict(ROWS)) > 100


@pytest.mark.parametrize(
    ("model", "size", "words"),
    [
        (dense(), 48, "a multiple of 32"),
        (dense(), 128, "do not divide"),
        (dense("relu"), 32, "fused activation"),
        (
            keras.Sequential([keras.Input((9, 9, 32)), keras.layers.Conv2D(4, 3, name="layer")]),
            32,
            "no weights in blocks",
        ),
    ],
)
def test_blocks_that_no_kernel_takes_are_an_error_and_by_default_channels(model, size: int, words: str):
    quantizer = f"type = int4, granularity = per_block({size})"
    rule = 'rule r match any where name == "layer" { weights = w }'
    by_rule, by_default = qspec.check(spec(quantizer, rule), model), qspec.check(spec(quantizer), model)

    assert ["QS401"] == [item.code for item in by_rule.diagnostics]
    assert words in by_rule.diagnostics[0].message
    assert ["QS307"] == [item.code for item in by_default.diagnostics]


@pytest.mark.parametrize("granularity", ["per_channel", "per_tensor"])
@pytest.mark.parametrize("bits", [4, 2])
def test_narrow_weights_beside_eight_bit_activations_are_simulated_to_the_last_bit(
    tmp_path, bits: int, granularity: str
):
    asked = spec(
        f"type = int{bits}, scheme = symmetric, granularity = {granularity}, range = mse", output=", output = a8"
    )
    result = qspec.quantize(asked, dense(), ROWS, tmp_path / "m.tflite", samples=ROWS)

    assert result.ok
    assert [1.0] == [tensor.equal for tensor in result.parity.tensors if tensor.op == "FULLY_CONNECTED"]


def test_the_lowest_code_is_left_out_where_kernels_miscompute_it(tmp_path):
    """A range that cuts weights off gives them the code -8, from which LiteRT's own kernel computes garbage."""
    asked = spec("type = int4, granularity = per_channel, range = percentile(90)")
    result = qspec.quantize(asked, dense(), ROWS, tmp_path / "m.tflite")

    assert ["QS306"] == [item.code for item in result.report.diagnostics]
    assert all(product.sqnr > 100 for product in result.parity.products)


def test_training_moves_small_weights_and_a_saved_model_keeps_their_ranges(tmp_path):
    model = qspec.apply(spec("type = int4, granularity = per_channel, range = mse"), network(), IMAGES)
    model.compile("adam", "mse")
    labels = np.zeros((len(IMAGES), 5), "float32")

    losses = model.fit(IMAGES, labels, epochs=3, verbose=0).history["loss"]
    model.save(tmp_path / "m.keras")
    again = qspec.load_model(tmp_path / "m.keras")
    first, second = (qspec.export(one, tmp_path / "m.tflite", IMAGES) for one in (model, again))

    assert losses[-1] < losses[0]
    assert first.ok
    assert any((np.asarray(share) < 1).any() for share in model.shares.values())
    assert np.array_equal(first.predict(IMAGES), second.predict(IMAGES))


def test_a_searched_range_of_four_bits_is_better_than_the_extremes(tmp_path):
    model = network()
    wanted = model.predict(IMAGES, verbose=0)
    eight = "rule r match Conv2DTranspose { weights = w8 }"  # which has no kernel for four bits
    found = {
        range_: sqnr(wanted, qspec.quantize(asked, model, IMAGES, tmp_path / "m.tflite").predict(IMAGES))
        for range_ in ("minmax", "mse")
        for asked in [spec(f"type = int4, scheme = symmetric, range = {range_}", eight, ", output = a8")]
    }

    assert found["mse"] > found["minmax"] + 1


def test_weights_can_round_ties_to_even(tmp_path):
    model = dense()
    kernel = np.tile(np.array([[127.0], [0.5], [1.5], [-2.5]], np.float32), (16, 10))
    model.layers[-1].set_weights([kernel, np.zeros(10, np.float32)])
    found = {}
    for rounding in ("half_away", "half_even"):
        asked = spec(f"type = int8, granularity = per_channel, rounding = {rounding}", output=", output = a8")
        codes = qspec.extract(qspec.apply(asked, model, ROWS))["layer"]["kernel"].codes
        found[rounding] = codes[0, :4].tolist()

    assert {"half_away": [127, 1, 2, -3], "half_even": [127, 0, 2, -2]} == found


def test_weights_of_an_embedding_that_its_result_cannot_have_are_an_error():
    model = keras.Sequential([keras.Input((6,), dtype="int32"), keras.layers.Embedding(20, 8)])
    with pytest.raises(SpecError) as caught:
        qspec.apply(spec("type = int4, scheme = symmetric", output=", output = a8"), model, np.zeros((4, 6), "int32"))

    assert "int4 is not int8" in caught.value.diagnostics[0].message
