"""Files on disk: damaged ones are told in words, and a failure leaves what was there."""

import os

import numpy as np
import pytest

from qspec import SpecError
from qspec.litert import flatbuffer
from qspec.litert.flatbuffer import pack, read_file, schema, unpack, write_file
from tests.litert.perceptron import changed, tensor_of, written


def test_packing_again_changes_nothing():
    content = written().content

    assert content == pack(unpack(content))


def test_buffers_are_aligned_to_16_bytes():
    content = written().content

    for buffer in unpack(content).buffers:
        if buffer.data is not None and len(buffer.data) > 8:
            places = [at for at in range(len(content)) if content.startswith(buffer.data.tobytes(), at)]
            assert any(place % 16 == 0 for place in places)


def test_equal_shapes_and_rows_of_zeros_are_written_once():
    content = written().content
    body = schema().Model.GetRootAs(content, 0).Subgraphs(0)
    places = {}
    for index in range(body.TensorsLength()):
        tensor = body.Tensors(index)
        vectors = [tensor.ShapeAsNumpy()]
        if tensor.Quantization() is not None and tensor.Quantization().ZeroPointLength() > 1:
            vectors.append(tensor.Quantization().ZeroPointAsNumpy())
        for vector in vectors:
            place = vector.__array_interface__["data"][0]
            places.setdefault((vector.dtype, vector.tobytes()), set()).add(place)

    assert {1} == {len(found) for found in places.values()}
    assert any(kind == "int64" for kind, _ in places), "the weights have a scale for each channel"


def cut(content):
    return content[: len(content) // 2]


def no_operator_code(content):
    return changed(content, lambda model: setattr(model.subgraphs[0].operators[0], "opcodeIndex", 9))


def no_tensor(content):
    return changed(content, lambda model: setattr(model.subgraphs[0].operators[0], "inputs", [99, 1, 2]))


def no_output(content):
    return changed(content, lambda model: setattr(model.subgraphs[0], "outputs", [-2]))


def no_buffer(content):
    return changed(content, lambda model: setattr(tensor_of(model, "first/kernel"), "buffer", 99))


def larger_than_its_buffer(content):
    return changed(content, lambda model: setattr(tensor_of(model, "first/kernel"), "shape", [300, 4]))


def no_graph(content):
    return changed(content, lambda model: setattr(model, "subgraphs", []))


def no_file(content):
    return b"TFL3" + content


DAMAGES = [cut, no_operator_code, no_tensor, no_output, no_buffer, larger_than_its_buffer, no_graph, no_file]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_told(damage, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(damage(written().content))

    with pytest.raises(SpecError, match="QS004"):
        read_file(path)


def test_flipped_bytes_are_told_or_read():
    content = bytearray(written().content)
    generator = np.random.default_rng(11)
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 3):
            damaged[place] ^= int(generator.integers(1, 256))
        assert flatbuffer.is_whole(bytes(damaged)) in (True, False)


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "m.tflite"
    path.write_bytes(b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SpecError, match="no space left on device"):
        write_file(path, b"after")

    assert b"before" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(b"before")

    assert path == write_file(path, b"after")
    assert b"after" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())
