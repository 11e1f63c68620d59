"""The file's inputs and outputs: their types, names and batch; and that nothing in the file is unused."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("tensorflow")

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

import qspec
from qspec.litert.flatbuffer import unpack
from qspec.litert.verify import sqnr

CHANCE = np.random.default_rng(6)
SAMPLES = {
    "left": CHANCE.normal(size=(32, 8)).astype("float32"),
    "right": CHANCE.normal(size=(32, 8)).astype("float32"),
}


def two_by_two() -> keras.Model:
    """Two inputs, and a dict of two outputs, one of them a softmax with a scale of its own."""
    keras.utils.set_random_seed(2)
    left, right = (keras.Input((8,), name=name) for name in SAMPLES)
    first = keras.layers.Dense(12, activation="relu", name="first")(left)
    total = keras.layers.Add(name="total")([first, keras.layers.Dense(12, name="second")(right)])
    return keras.Model([left, right], {"scores": total, "classes": keras.layers.Softmax(name="soft")(total)})


def spec(*lines: str, default: str = "weights = w8, output = a8"):
    sixteen = "quantizer a16 extends a8 { type = int16, scheme = symmetric }"
    return qspec.loads("\n".join(["qspec 1", 'import "std/int8.qspec"', sixteen, f"default {{ {default} }}", *lines]))


def written(asked, model, samples, path):
    result = qspec.quantize(asked, model, samples, path, samples=samples)
    assert result.ok
    return result, Interpreter(str(path))


def types(details) -> list[str]:
    return [np.dtype(detail["dtype"]).name for detail in details]


@pytest.mark.parametrize(
    "types_",
    [
        ("float32", "float32", "float32", "float32"),
        ("int8", "int8", "int8", "int8"),
        ("uint8", "uint8", "uint8", "uint8"),
        ("int16", "float16", "int16", "uint8"),
        ("uint8", "int8", "float32", "int16"),
        ("float32", "uint8", "int8", "float16"),
    ],
)
@pytest.mark.parametrize("default", ["weights = w8, output = a8", "weights = w8, output = a16"])
def test_each_end_has_its_type(tmp_path, types_: tuple[str, ...], default: str):
    names = ("left", "right", "scores", "classes")
    sides = ("input", "input", "output", "output")
    lines = [f'{side}["{name}"] {{ type = {kind} }}' for side, name, kind in zip(sides, names, types_, strict=True)]
    model = two_by_two()
    result, interpreter = written(spec(*lines, default=default), model, SAMPLES, tmp_path / "m.tflite")
    runner = interpreter.get_signature_runner("serving_default")

    found = {**runner.get_input_details(), **runner.get_output_details()}
    assert dict(zip(names, types_, strict=True)) == {name: np.dtype(one["dtype"]).name for name, one in found.items()}
    wanted = model.predict(SAMPLES, verbose=0)
    for name, values in zip(sorted(wanted), result.predict(SAMPLES), strict=True):
        assert sqnr(wanted[name], values) > 25


@pytest.mark.parametrize("batch", [1, 4, "dynamic"])
def test_the_batch_is_fixed_or_dynamic(tmp_path, batch):
    result, interpreter = written(spec(f"input {{ batch = {batch} }}"), two_by_two(), SAMPLES, tmp_path / "m.tflite")
    signatures = [detail["shape_signature"][0] for detail in interpreter.get_input_details()]

    assert [-1 if batch == "dynamic" else batch] * 2 == signatures
    assert (32, 12) == result.predict(SAMPLES)[0].shape


def test_names_are_those_of_layers_and_signatures_those_of_the_model(tmp_path):
    _, interpreter = written(spec(), two_by_two(), SAMPLES, tmp_path / "m.tflite")
    body = unpack((tmp_path / "m.tflite").read_bytes()).subgraphs[0]
    names = [tensor.name.decode() for tensor in body.tensors]

    assert {"serving_default": {"inputs": ["left", "right"], "outputs": ["classes", "scores"]}} == {
        key: {side: sorted(found) for side, found in signature.items()}
        for key, signature in interpreter.get_signature_list().items()
    }
    assert len(set(names)) == len(names)
    assert {"first", "first/kernel", "first/bias", "total"} <= set(names)
    assert not any(";" in name for name in names)
    assert max(map(len, names)) < 32


def test_types_change_only_where_the_spec_changes_them(tmp_path):
    lines = ['rule wide match any where name in ("total", "soft") { output = a16 }']
    _, interpreter = written(spec(*lines), two_by_two(), SAMPLES, tmp_path / "m.tflite")
    kinds = Counter(op["op_name"] for op in interpreter._get_ops_details())

    # Two at the inputs, one for each summand; the result of the sum and of the softmax leave as float.
    assert {"QUANTIZE": 4, "DEQUANTIZE": 2} == {kind: kinds[kind] for kind in ("QUANTIZE", "DEQUANTIZE")}


# ---- nothing unused


def image(*made) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 4)), *made])


def branches() -> keras.Model:
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    y = keras.layers.Concatenate()([x, keras.layers.MaxPool2D(1)(x), inputs])
    return keras.Model(inputs, keras.layers.Add()([x, keras.layers.Conv2D(4, 1)(y)]))


def shared() -> keras.Model:
    inputs = keras.Input((8, 8, 4))
    layer = keras.layers.Conv2D(4, 3, padding="same")
    return keras.Model(inputs, layer(keras.layers.ReLU()(layer(inputs))))


L = keras.layers
EIGHT = "weights = w8, output = a8"
MODELS = {
    "convolutions": (lambda: image(L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(), L.DepthwiseConv2D(3)), EIGHT),
    "classifier": (
        lambda: image(L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(3, activation="softmax")),
        EIGHT,
    ),
    "transposed": (lambda: image(L.Conv2DTranspose(4, 3, strides=2), L.GlobalAveragePooling2D()), EIGHT),
    "branches": (branches, EIGHT),
    "shared": (shared, EIGHT),
    "normalized": (lambda: image(L.LayerNormalization(), L.Dense(4), L.Dense(4)), EIGHT),
    "pooled": (lambda: image(L.MaxPool2D(2), L.UpSampling2D(), L.ZeroPadding2D(1), L.Conv2D(4, 3)), EIGHT),
    "sixteen bits": (lambda: image(L.Conv2D(4, 3), L.AveragePooling2D(2), L.Dense(3)), "weights = w8, output = a16"),
    "weights alone": (lambda: image(L.Conv2D(4, 3), L.Flatten(), L.Dense(3)), "weights = w8"),
    "halves": (lambda: image(L.Conv2D(4, 3), L.Flatten(), L.Dense(3)), "weights = half"),
    "float": (lambda: image(L.Conv2D(4, 3), L.Resizing(6, 6), L.Activation("gelu")), "all = float"),
}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_everything_in_the_file_is_used_and_nothing_is_there_twice(tmp_path, name: str):
    keras.utils.set_random_seed(8)
    make, default = MODELS[name]
    samples = CHANCE.normal(size=(8, 8, 8, 4)).astype("float32")
    asked = spec("quantizer half { type = float16 }", default=default)
    result, _ = written(asked, make(), samples, tmp_path / "m.tflite")
    file = unpack(result.path.read_bytes())
    body = file.subgraphs[0]

    used = {int(index) for op in body.operators for index in (*op.inputs, *op.outputs)} - {-1}
    assert set(range(len(body.tensors))) == used | set(map(int, [*body.inputs, *body.outputs]))
    assert set(range(1, len(file.buffers))) == {tensor.buffer for tensor in body.tensors} - {0}
    contents = [bytes(buffer.data) for buffer in file.buffers[1:]]
    assert len(set(contents)) == len(contents)
    plain = [
        (tensor.buffer, tensor.type, tuple(tensor.shape))
        for tensor in body.tensors
        if tensor.buffer and tensor.quantization is None and tensor.type != 0
    ]
    assert len(set(plain)) == len(plain)
    assert set(range(len(file.operatorCodes))) == {op.opcodeIndex for op in body.operators}
    kept = [(code.builtinCode, code.version) for code in file.operatorCodes]
    assert len(set(kept)) == len(kept)
