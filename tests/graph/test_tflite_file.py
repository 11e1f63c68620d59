"""`.tflite` files as data: what LiteRT's own reader finds in them, and what is said of damaged ones."""

from __future__ import annotations

import contextlib
import math
import struct

import pytest
from ai_edge_litert import schema_py_generated as schema

from qspec import SpecError
from qspec.graph import tflite_file
from qspec.graph.tflite_file import is_tflite, parse_tflite, read_tflite_file
from tests.graph.litert_files import (
    code,
    model,
    number_of,
    operator,
    packed,
    perceptron,
    tensor,
)
from tests.graph.litert_oracle import assert_as_litert_reads


def read(made):
    return parse_tflite(packed(made), "m.tflite")


def message_of(made) -> str:
    with pytest.raises(SpecError) as error:
        parse_tflite(made if isinstance(made, bytes) else packed(made), "m.tflite")
    (diagnostic,) = error.value.diagnostics
    assert ("QS501", "m.tflite") == (diagnostic.code, diagnostic.span.path)
    return diagnostic.message


# ---- whole files


def test_a_small_file_is_read_as_litert_reads_it():
    assert_as_litert_reads(packed(perceptron()))


def test_a_file_of_the_writer_is_read_as_litert_reads_it():
    from tests.litert.perceptron import written

    assert_as_litert_reads(written().content)


def test_what_is_in_a_file(tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(packed(perceptron()))
    file = read_tflite_file(path)
    dense, softmax = file.main.graph.ops

    assert (str(path), path.stat().st_size, "a test", 1) == (
        file.path,
        file.size,
        file.description,
        len(file.subgraphs),
    )
    assert ("FULLY_CONNECTED", (0, 1, 2), (3,), "dense") == (dense.kind, dense.inputs, dense.outputs, dense.layer)
    assert ("RELU", False) == (dense.attributes["fused_activation_function"], dense.attributes["keep_num_dims"])
    assert {0: 4, 1: 2} == file.main.versions
    assert {"beta": 1.0} == softmax.attributes
    assert {1: 12, 2: 12} == file.main.stored
    assert None is file.main.graph.tensors[2].value, "a bias is no axis or shape"


def test_a_dynamic_dimension_is_none():
    file = read(model([], [tensor("a", (1, 4), signature=(-1, 4)), tensor("b", (-1, 3)), tensor("c", ())], []))

    assert [(None, 4), (None, 3), ()] == [found.shape for found in file.main.graph.tensors]


def test_a_tensor_of_unknown_rank_has_no_shape():
    unknown = tensor("a", ())
    unknown.hasRank = False

    assert None is read(model([], [unknown, tensor("b", (1,))], [])).main.graph.tensors[0].shape
    assert () == read(model([], [unknown], [])).main.graph.tensors[0].shape, "old files do not tell"


def test_small_integer_constants_have_values():
    buffers = [struct.pack("<4i", 1, 2, 3, 4), struct.pack("<q", -1), struct.pack("<i", 7) * 65]
    tensors = [
        tensor("paddings", (2, 2), "INT32", 1),
        tensor("axis", (), "INT64", 2),
        tensor("table", (65,), "INT32", 3),
        tensor("odd", (3,), "INT32", 1),
    ]

    assert [((1, 2), (3, 4)), -1, None, None] == [
        found.value for found in read(model([], tensors, [], buffers=buffers)).main.graph.tensors
    ]


def test_a_constant_of_no_elements_is_a_constant():
    made = model([], [tensor("shape", (0,), "INT32", 1), tensor("activation", (1, 4), "FLOAT32", 1)], [], buffers=[b""])
    shape, activation = read(made).main.graph.tensors

    assert (True, (), False) == (shape.constant, shape.value, activation.constant)


def test_a_shape_of_nothing_that_claims_much_costs_nothing():
    made = model([], [tensor("shape", (2**31 - 1, 0), "INT32", 1)], [], buffers=[b""])

    assert () == read(made).main.graph.tensors[0].value


def test_an_op_that_the_schema_does_not_know_has_a_name_too():
    unknown, custom = code("ADD"), code("CUSTOM", custom="TFLite_Detection_PostProcess")
    unknown.builtinCode = 999
    tensors = [tensor("a", (1,)), tensor("b", (1,)), tensor("c", (1,))]
    ops = read(model([unknown, custom], tensors, [operator(0, [0], [1]), operator(1, [1, -1], [2])])).main.graph.ops

    assert ["UNKNOWN_999", "CUSTOM"] == [op.kind for op in ops]
    assert {"custom_code": "TFLite_Detection_PostProcess"} == ops[1].attributes
    assert (1, -1) == ops[1].inputs


def test_ops_of_before_2020_are_known_by_their_byte():
    old = code("ADD")
    old.builtinCode, old.deprecatedBuiltinCode = 0, number_of("BuiltinOperator", "CONV_2D")

    assert "CONV_2D" == read(model([old], [tensor("a", (1,))], [operator(0, [0], [0])])).main.graph.ops[0].kind


def test_other_kinds_of_quantization_are_named():
    blockwise = tensor("a", (4, 64), "INT4")
    blockwise.quantization = schema.QuantizationParametersT()
    blockwise.quantization.detailsType = number_of("QuantizationDetails", "BlockwiseQuantization")
    blockwise.quantization.details = schema.BlockwiseQuantizationT()

    assert "BlockwiseQuantization" == read(model([], [blockwise], [])).main.quantization[0].details


def test_a_range_without_a_scale_is_no_quantization():
    ranged = tensor("a", (1,), "FLOAT32")
    ranged.quantization = schema.QuantizationParametersT()
    ranged.quantization.min, ranged.quantization.max = [0.0], [1.0]

    assert {} == read(model([], [ranged], [])).main.quantization


def test_signatures_and_metadata():
    made = perceptron()
    signature, entry, note = schema.SignatureDefT(), schema.TensorMapT(), schema.MetadataT()
    entry.name, entry.tensorIndex = "x", 4
    signature.signatureKey, signature.outputs, signature.inputs = "serving_default", [entry], []
    note.name, note.buffer = "min_runtime_version", 0
    made.signatureDefs, made.metadata = [signature], [note]
    file = read(made)

    assert [("serving_default", 0, {}, {"x": 4})] == [
        (found.name, found.subgraph, found.inputs, found.outputs) for found in file.signatures
    ]
    assert ("min_runtime_version",) == file.metadata


def test_constants_behind_the_flatbuffer_are_found():
    made = model([], [tensor("axis", (2,), "INT32", 1)], [], buffers=[b""])
    made.buffers[1].data = None
    made.buffers[1].size, made.buffers[1].offset = 8, 10**6
    short = packed(made)
    made.buffers[1].offset = len(short)
    content = packed(made) + struct.pack("<2i", 5, 6)

    assert (5, 6) == parse_tflite(content, "m.tflite").main.graph.tensors[0].value
    assert "buffers[1].offset: its data do not fit into the file" in message_of(short)


# ---- layers


@pytest.mark.parametrize(
    ("description", "expected"),
    [("qspec 0.1.0", ["block/conv", "block/conv", "act", "act"]), ("else", ["relu", "block/conv", "act/s", "act"])],
)
def test_a_file_of_qspec_tells_the_layers(description, expected):
    tensors = [
        tensor("image", (1,)),
        tensor("block/conv/kernel", (1,), buffer=1),
        tensor("relu", (1,)),
        tensor("block/conv", (1,)),
        tensor("act/s", (1,)),
        tensor("act", (1,)),
        tensor("constant_0", (1,), buffer=1),
    ]
    operators = [
        operator(0, [0, 1], [2]),
        operator(0, [2, 6], [3]),
        operator(0, [3], [4]),
        operator(0, [4], [5]),
    ]
    made = model([code("CONV_2D")], tensors, operators, buffers=[b"\1"], description=description)
    file = read(made)

    assert expected == [op.layer for op in file.main.graph.ops]
    assert (description == "qspec 0.1.0") == file.has_layers


def test_of_a_name_that_was_joined_the_first_part_counts():
    made = model([code("ABS")], [tensor("a", (1,)), tensor("conv/Relu;conv/BiasAdd", (1,))], [operator(0, [0], [1])])

    assert "conv/Relu" == read(made).main.graph.ops[0].layer


# ---- damage


def damaged(change):
    made = perceptron()
    change(made, made.subgraphs[0])
    return made


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda m, g: setattr(g.operators[1], "opcodeIndex", 2),
            "operators[1].opcode_index: there is no operator code 2",
        ),
        (lambda m, g: setattr(g.operators[0], "inputs", [0, 99]), "operators[0].inputs: there is no tensor 99"),
        (lambda m, g: setattr(g.operators[0], "inputs", [0, -2]), "operators[0].inputs: there is no tensor -2"),
        (lambda m, g: setattr(g.operators[0], "outputs", [-1]), "operators[0].outputs: there is no tensor -1"),
        (lambda m, g: setattr(g, "inputs", [5]), "subgraphs[0].inputs: there is no tensor 5"),
        (lambda m, g: setattr(g.tensors[3], "buffer", 3), "tensors[3].buffer: there is no buffer 3"),
        (lambda m, g: setattr(g.tensors[0], "shape", [-7]), "tensors[0].shape: a dimension is -7"),
        (lambda m, g: setattr(g.tensors[0], "shape", [1] * 65), "tensors[0].shape: it has more than 64 dimensions"),
        (lambda m, g: setattr(m, "subgraphs", []), "subgraphs: there is none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_index_that_leads_nowhere_is_told(change, expected):
    assert expected in message_of(damaged(change))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 100, b"PK\3\4abcdefgh"])
def test_what_is_no_flatbuffer_is_told(content):
    assert "this is not a LiteRT flatbuffer (`.tflite`)" == message_of(content)


def test_every_cut_is_told():
    content = packed(perceptron())

    # LiteRT's writer puts the root table in front and the leaves at the end, so that no cut leaves a whole file.
    for length in range(8, len(content)):
        assert "the LiteRT flatbuffer is damaged or cut off" in message_of(content[:length])


def test_no_single_number_can_mislead_the_reader():
    content = packed(perceptron())
    read_anyway = 0
    for place in range(0, len(content) - 3, 2):
        for number in (0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(content)):
            damaged = content[:place] + struct.pack("<I", number) + content[place + 4 :]
            with contextlib.suppress(SpecError):
                read_anyway += len(parse_tflite(damaged, "m.tflite").main.graph.ops) >= 0

    assert read_anyway > 100, "what is no offset may be any number"


def test_a_file_that_leads_to_the_same_place_forever_is_refused(monkeypatch):
    monkeypatch.setattr(tflite_file, "MOST_VALUES", 1000)
    tensors = [tensor("a", (1,)) for _ in range(200)]

    assert "the file leads to more values than any model has" in message_of(model([], tensors, []))


def test_a_vector_that_claims_to_be_long_allocates_nothing():
    content = bytearray(packed(model([], [tensor("a", (11, 22, 33))], [])))
    place = content.find(struct.pack("<4i", 3, 11, 22, 33))
    content[place : place + 4] = struct.pack("<I", 2**32 - 1)

    assert "shape: 4,294,967,295 elements do not fit into the file" in message_of(bytes(content))


def test_numbers_that_are_none_are_read():
    made = model([], [tensor("a", (1,), scales=[math.nan, math.inf, -1.0])], [])

    assert ["nan", "inf", "-1.0"] == [str(scale) for scale in read(made).main.quantization[0].scales]


# ---- files on disk


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: path.write_bytes(b""), "this is not a LiteRT flatbuffer (`.tflite`)"),
    ],
)
def test_what_cannot_be_opened_is_told(tmp_path, prepare, expected):
    path = tmp_path / "m.tflite"
    prepare(path)
    with pytest.raises(SpecError) as error:
        read_tflite_file(path)

    assert expected == error.value.diagnostics[0].message


def test_a_larger_file_than_the_format_holds_is_not_read(tmp_path):
    path = tmp_path / "m.tflite"
    with path.open("wb") as file:
        file.truncate(2**31 + 1)  # takes no room on the disk
    with pytest.raises(SpecError, match="larger than 2 GiB"):
        read_tflite_file(path)


def test_a_file_is_known_by_its_name_or_by_how_it_begins(tmp_path):
    (tmp_path / "a.bin").write_bytes(packed(perceptron()))
    (tmp_path / "b.qspec").write_text("qspec 1\n")

    assert [True, True, False, False, False] == [
        is_tflite(tmp_path / name) for name in ("missing.tflite", "a.bin", "b.qspec", "", "missing")
    ]
