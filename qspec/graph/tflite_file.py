"""A `.tflite` file as plain data: its op graphs, and each tensor's quantization. LiteRT is not needed."""

from __future__ import annotations

import math
import os
import stat
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_MODEL
from qspec.diagnostics.similar_file import similar_file
from qspec.graph.document import Malformed
from qspec.graph.flatbuffer import Content, Table
from qspec.graph.layer_paths import layer_paths
from qspec.graph.layers import Shape
from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.graph.tflite_schema import enumeration, layout

LARGEST_FILE = 2**31
"""Bytes; the format's offsets reach no further."""
MOST_VALUES = 16_000_000
"""What may be read besides the constants, mostly scales: up to 32 bytes of memory each. NASNetMobile's file has
220,000, and one of 10,000 convolutions with 16 channels 2.5 million."""
MOST_DIMENSIONS = 64
MAGIC = b"TFL3"
"""The file's fifth to eighth byte."""

_LARGEST_CONSTANT = 64
"""Elements; axes, paddings and shapes have fewer."""
_INTEGERS = {"int32": "i", "int64": "q"}


@dataclass(frozen=True, slots=True)
class Quantization:
    """What a file says of a tensor: `real = scale * (integer - zero_point)`.

    `scales` and `zero_points` have one entry, or one for each index of the dimension `axis`. `details` names the table
    that stands in their place for other kinds (`BlockwiseQuantization`), else it is empty.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0
    details: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """An entry point: tensor ids by the names that callers use."""

    name: str
    subgraph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Subgraph:
    """An op graph of a file. By tensor id: `quantization`, and the bytes of constants (`stored`) but sparse ones.
    `versions` are the op versions by the op's index, `variables` the tensors that keep their value from call to call,
    `zeros` the quantized int32 and int64 constants, as biases are, that are 0 in every element."""

    name: str
    graph: OpGraph
    quantization: Mapping[int, Quantization] = field(repr=False)
    versions: Mapping[int, int] = field(repr=False)
    stored: Mapping[int, int] = field(repr=False)
    variables: frozenset[int] = frozenset()
    zeros: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class TfliteFile:
    """A file. The first of `subgraphs` is the model; others are bodies of its WHILE and IF ops, or further entries.

    `has_layers` tells that qspec wrote it, so that `Op.layer` is the path of the Keras layer that the op came from; of
    any other file it is the name of the op's first output.
    """

    path: str
    size: int
    description: str
    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]
    metadata: tuple[str, ...]
    has_layers: bool

    @property
    def main(self) -> Subgraph:
        """The model."""
        return self.subgraphs[0]


def is_tflite(path: str | os.PathLike[str]) -> bool:
    """Whether *path* is meant to be a `.tflite` file: by its name, or by how it begins."""
    if Path(path).suffix == ".tflite":
        return True
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            return file.read(8)[4:] == MAGIC
    except (OSError, ValueError):
        return False


def read_tflite_file(path: str | os.PathLike[str]) -> TfliteFile:
    """The model in a `.tflite` file.

    Raises:
        SpecError: it cannot be read, with the reason as its one diagnostic.
    """
    shown = os.fspath(path)
    return parse_tflite(_content(Path(path), shown), shown)


def parse_tflite(data: bytes, path: str) -> TfliteFile:
    """The model in a file's bytes; *path* is its name for people.

    Raises:
        SpecError: they are no model that LiteRT could read.
    """
    if data[4:8] != MAGIC:
        raise _refuse(path, "this is not a LiteRT flatbuffer (`.tflite`)")
    try:
        return _File(Content(data, layout, MOST_VALUES).root("Model"), path).read()
    except Malformed as error:
        where = f"{error.location}: " if error.location else ""
        raise _refuse(path, f"the LiteRT flatbuffer is damaged or cut off: {where}{error.message}") from None


def _refuse(path: str, message: str, help: str = "") -> SpecError:
    return SpecError([UNREADABLE_MODEL.at(Place(path), message, help=help)])


def _content(path: Path, shown: str) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _refuse(shown, "this is a folder" if stat.S_ISDIR(found.st_mode) else "this is not a file")
        if found.st_size > LARGEST_FILE:
            raise _refuse(shown, f"the file is larger than {LARGEST_FILE / 2**30:.0f} GiB")
        with path.open("rb") as file:
            return file.read(LARGEST_FILE)
    except (FileNotFoundError, NotADirectoryError):
        raise _refuse(shown, "there is no such file", similar_file(shown)) from None
    except PermissionError:
        raise _refuse(shown, "the file may not be read: permission denied") from None
    except (OSError, ValueError):
        raise _refuse(shown, "the file cannot be opened") from None


class _File:
    """A file while it is read."""

    def __init__(self, model: Table, path: str) -> None:
        self.model = model
        self.path = path
        self.data = model.content.data
        self.codes = [_op_code(code) for code in model["operator_codes"]]
        self.buffers: list[Table] = model["buffers"]

    def read(self) -> TfliteFile:
        description = self.model["description"]
        has_layers = description.startswith("qspec ")
        subgraphs = tuple(_Body(self, table).read(has_layers) for table in self.model["subgraphs"])
        if not subgraphs:
            raise self.model.fail("subgraphs", "there is none")
        signatures = tuple(_signature(table, subgraphs) for table in self.model["signature_defs"])
        metadata = tuple(table["name"] for table in self.model["metadata"])
        return TfliteFile(self.path, len(self.data), description, subgraphs, signatures, metadata, has_layers)

    def constant(self, tensor: Table) -> memoryview | None:
        """The bytes of a tensor's buffer; None if it has none of its own."""
        index = tensor["buffer"]
        if index >= len(self.buffers):
            raise tensor.fail("buffer", f"there is no buffer {index}")
        buffer = self.buffers[index]
        inside: memoryview | None = buffer["data"]
        offset, size = buffer["offset"], buffer["size"]
        if inside is not None:
            return inside
        if offset <= 1:
            return None
        if offset + size > len(self.data):
            raise buffer.fail("offset", "its data do not fit into the file")
        return memoryview(self.data)[offset : offset + size]


def _op_code(table: Table) -> tuple[str, str, int]:
    """Kind, custom code and version."""
    # Files of before 2020 have only the byte; the later ones' byte is at most 127.
    number = max(table["builtin_code"], table["deprecated_builtin_code"])
    names = enumeration("BuiltinOperator")
    kind = names[number] if 0 <= number < len(names) else f"UNKNOWN_{number}"
    return kind, table["custom_code"], table["version"]


def _signature(table: Table, subgraphs: Sequence[Subgraph]) -> Signature:
    number = table["subgraph_index"]
    if number >= len(subgraphs):
        raise table.fail("subgraph_index", f"there is no subgraph {number}")
    count = len(subgraphs[number].graph.tensors)
    ends = []
    for side in ("inputs", "outputs"):
        maps = {entry["name"]: entry["tensor_index"] for entry in table[side]}
        _check_indices(table, side, tuple(maps.values()), count)
        ends.append(maps)
    return Signature(table["signature_key"], number, *ends)


class _Body:
    """A subgraph while it is read."""

    def __init__(self, file: _File, table: Table) -> None:
        self.file = file
        self.table = table
        self.quantization: dict[int, Quantization] = {}
        self.stored: dict[int, int] = {}
        self.versions: dict[int, int] = {}
        self.variables: set[int] = set()
        self.zeros: set[int] = set()
        self.ranked = False  # whether its writer says of a tensor without dimensions that it is a number

    def read(self, has_layers: bool) -> Subgraph:
        tables = self.table["tensors"]
        self.ranked = any(table["has_rank"] for table in tables)
        tensors = [self._tensor(index, table) for index, table in enumerate(tables)]
        ops = [self._op(index, table, len(tensors)) for index, table in enumerate(self.table["operators"])]
        paths = layer_paths(ops, tensors) if has_layers else [_first_name(op, tensors) for op in ops]
        named = tuple(
            Op(op.index, op.kind, op.inputs, op.outputs, op.attributes, layer=path)
            for op, path in zip(ops, paths, strict=True)
        )
        graph = OpGraph(tuple(tensors), named, self._ends("inputs", tensors), self._ends("outputs", tensors))
        return Subgraph(
            self.table["name"],
            graph,
            self.quantization,
            self.versions,
            self.stored,
            frozenset(self.variables),
            frozenset(self.zeros),
        )

    def _ends(self, side: str, tensors: Sequence[Tensor]) -> tuple[int, ...]:
        indices: tuple[int, ...] = self.table[side]
        _check_indices(self.table, side, indices, len(tensors))
        return indices

    def _op(self, index: int, table: Table, tensors: int) -> Op:
        number = table["opcode_index"]
        if number >= len(self.file.codes):
            raise table.fail("opcode_index", f"there is no operator code {number}")
        kind, custom_code, version = self.file.codes[number]
        inputs, outputs = table["inputs"], table["outputs"]
        _check_indices(table, "inputs", inputs, tensors, least=-1)
        _check_indices(table, "outputs", outputs, tensors)
        attributes = _attributes(table, "builtin_options") | _attributes(table, "builtin_options_2")
        if custom_code:
            attributes["custom_code"] = custom_code
        self.versions[index] = version
        return Op(index, kind, inputs, outputs, attributes)

    # ---- tensors

    def _tensor(self, index: int, table: Table) -> Tensor:
        shape, type_ = _shape(table, self.ranked), table["type"].lower()
        quantization = _quantization(table["quantization"])
        if quantization is not None:
            self.quantization[index] = quantization
        if table["is_variable"]:
            self.variables.add(index)
        data, value = self.file.constant(table), None
        # Some writers give an empty buffer to every tensor.
        inside = data is not None and (len(data) > 0 or (shape is not None and 0 in shape))
        if data is not None and inside:
            if not table.has("sparsity"):
                self.stored[index] = len(data)
            if type_ in _INTEGERS and quantization is not None and not data.tobytes().strip(b"\0"):
                self.zeros.add(index)
            if type_ in _INTEGERS and quantization is None and shape is not None:
                value = self._value(data, shape, _INTEGERS[type_])
        return Tensor(index, table["name"], shape, type_, inside or table["external_buffer"] > 0, value=value)

    def _value(self, data: memoryview, shape: Shape, code: str) -> Any:
        """A small constant's numbers, nested as its shape is; None if it is not small, or has not that many bytes."""
        sizes = [size for size in shape if size is not None]
        count = math.prod(sizes)
        fits = len(sizes) == len(shape) and len(data) == count * struct.calcsize(f"<{code}")
        if not fits or count > _LARGEST_CONSTANT:
            return None
        self.file.model.content.spend(count, "")
        return _nested(struct.unpack(f"<{count}{code}", data), sizes) if count else ()


def _check_indices(table: Table, name: str, indices: Sequence[int], count: int, least: int = 0) -> None:
    if indices and not (least <= min(indices) and max(indices) < count):
        wrong = next(index for index in indices if not least <= index < count)
        raise table.fail(name, f"there is no tensor {wrong}")


def _shape(table: Table, ranked: bool) -> Shape | None:
    shape, signature = table["shape"], table["shape_signature"]
    if max(len(shape), len(signature)) > MOST_DIMENSIONS:
        raise table.fail("shape", f"it has more than {MOST_DIMENSIONS} dimensions")
    # -1 stands in the signature, and in files of before 2020 in the shape.
    sizes = signature if len(signature) == len(shape) else shape
    if min(sizes, default=0) < -1:
        raise table.fail("shape", f"a dimension is {min(sizes)}")
    if not sizes and ranked and not table["has_rank"]:
        return None
    return tuple(None if size == -1 else size for size in sizes)


def _quantization(table: Table | None) -> Quantization | None:
    if table is None:
        return None
    scales, zero_points = table["scale"], table["zero_point"]
    details = table["details"][0]
    if not scales and not zero_points and details == "NONE":
        return None  # a range from before quantization at most
    return Quantization(scales, zero_points, table["quantized_dimension"], "" if details == "NONE" else details)


def _attributes(operator: Table, union: str) -> dict[str, Any]:
    kind, options = operator[union]
    if options is None:
        return {}
    return {name: options[name] for name, field in layout(kind).items() if field.kind != "bytes"}


def _nested(numbers: Sequence[int], shape: Sequence[int]) -> Any:
    if not shape:
        return numbers[0]
    step = math.prod(shape[1:])
    return tuple(_nested(numbers[step * index : step * (index + 1)], shape[1:]) for index in range(shape[0]))


def _first_name(op: Op, tensors: Sequence[Tensor]) -> str:
    """The name of an op's first output; of what the converter joined from several, the first part."""
    return tensors[op.outputs[0]].name.split(";")[0] if op.outputs else ""
