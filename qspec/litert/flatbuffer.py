"""LiteRT's flatbuffer as objects: reading one, and packing one with its buffers aligned as the format asks."""

from __future__ import annotations

import math
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import MISSING_EXTRA, UNREADABLE_FILE

# The types whose numbers take whole bytes in a buffer.
_NUMBERS = ("FLOAT64", "FLOAT32", "FLOAT16", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")

# schema.fbs gives `Buffer.data` force_align: 16, which the object API's own packing leaves out.
_BUFFER_ALIGNMENT = 16


def litert_missing() -> SpecError:
    """What to say where LiteRT cannot be imported."""
    message = "this needs LiteRT, and `ai-edge-litert` is not installed"
    return SpecError([MISSING_EXTRA.at(Place("environment"), message, help="pip install 'qspec[litert]'")])


def schema() -> Any:
    """The generated classes of LiteRT's schema.

    Raises:
        SpecError: LiteRT is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError:
        raise litert_missing() from None
    return schema_py_generated


def unpack(content: bytes) -> Any:
    """The `ModelT` of a file's bytes."""
    return schema().ModelT.InitFromPackedBuf(content, 0)


def pack(model: Any) -> bytes:
    """The bytes of a `ModelT`, its buffers aligned to 16 bytes, equal shapes and equal rows of zeros written once.

    LiteRT wants a zero point of eight bytes beside every scale, and those of weights and biases are zeros: written once
    for each number of channels they make MobileNetV2's file 7 % smaller. The format lets tables share their vectors.
    """
    import flatbuffers

    class SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, values: np.ndarray) -> Any:
            key = (values.dtype, values.tobytes()) if id(values) in shared else None
            if key is None or key not in written:
                written[key] = super().CreateNumpyVector(values)
            return written[key]

    class AlignedBuffer(schema().BufferT):  # type: ignore[misc]
        def Pack(self, builder: Any) -> Any:
            size = len(self.data)
            builder.StartVector(1, size, _BUFFER_ALIGNMENT)
            builder.head = builder.head - size
            builder.Bytes[builder.head : builder.head + size] = memoryview(self.data)
            data = builder.EndVector()
            schema().BufferStart(builder)
            schema().BufferAddData(builder, data)
            return schema().BufferEnd(builder)

    for buffer in model.buffers:
        if buffer.data is not None and len(buffer.data):
            buffer.data = np.ascontiguousarray(buffer.data, np.uint8)
            buffer.__class__ = AlignedBuffer
    size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    shared = {id(vector) for body in model.subgraphs for vector in _vectors_to_share(body.tensors)}
    written: dict[Any, Any] = {}
    builder = SharingBuilder(size + (1 << 16))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _vectors_to_share(tensors: Sequence[Any]) -> Iterator[np.ndarray]:
    """Shapes and rows of zero points that are zeros, which become arrays."""
    for tensor in tensors:
        for name in ("shape", "shapeSignature"):
            if (sizes := getattr(tensor, name)) is not None:
                setattr(tensor, name, np.array(sizes, np.int32))
                yield getattr(tensor, name)
        zero_points = None if tensor.quantization is None else tensor.quantization.zeroPoint
        if zero_points is not None and np.size(zero_points) > 1 and not np.any(zero_points):
            tensor.quantization.zeroPoint = np.array(zero_points, np.int64)
            yield tensor.quantization.zeroPoint


def operator_code(builtin_code: int, version: int) -> Any:
    """The entry for an op in a model's list of operator codes."""
    code = schema().OperatorCodeT()
    code.builtinCode, code.version = builtin_code, version
    code.deprecatedBuiltinCode = min(builtin_code, 127)  # what readers before 2020 look at
    return code


def enum_names(enumeration: Any) -> dict[int, str]:
    """The names of a schema enumeration, by value."""
    # From Python 3.13 on a class has numbers of its own, `__firstlineno__`.
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int) and name[0] != "_"}


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a `.tflite` file.

    Raises:
        SpecError: it cannot be read, or is no LiteRT flatbuffer.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        message = f"cannot read the file: {(error.strerror or 'no reason given').lower()}"
        raise SpecError([UNREADABLE_FILE.at(Place(str(path)), message)]) from None
    if content[4:8] != b"TFL3":
        raise SpecError([UNREADABLE_FILE.at(Place(str(path)), "this is not a LiteRT flatbuffer (`.tflite`)")])
    if not is_whole(content):
        raise SpecError([UNREADABLE_FILE.at(Place(str(path)), "the flatbuffer is damaged or cut off")])
    return content


def is_whole(content: bytes) -> bool:
    """Whether every offset and index leads somewhere and every buffer has its tensor's size: LiteRT trusts them."""
    try:
        return _is_whole(unpack(content))
    except (struct.error, IndexError, ValueError, TypeError, AttributeError):  # whatever offsets that lead nowhere give
        return False


def _is_whole(model: Any) -> bool:
    if not model.subgraphs or not all(map(_within(model.operatorCodes), (op.opcodeIndex for op in _operators(model)))):
        return False
    for body in model.subgraphs:
        known = _within(body.tensors)
        operands = [index for op in body.operators for index in (*op.inputs, *op.outputs) if index != -1]
        if not all(map(known, (*body.inputs, *body.outputs, *operands))):
            return False
        if not all(_buffer_fits(model, tensor) for tensor in body.tensors):
            return False
    return True


def _operators(model: Any) -> list[Any]:
    return [operator for body in model.subgraphs for operator in body.operators]


def _within(things: Sequence[Any]) -> Callable[[int], bool]:
    return lambda index: 0 <= index < len(things)


def _buffer_fits(model: Any, tensor: Any) -> bool:
    if not _within(model.buffers)(tensor.buffer):
        return False
    tensor.name.decode()  # the interpreter takes names for UTF-8
    data = model.buffers[tensor.buffer].data
    kind = enum_names(schema().TensorType).get(tensor.type, "")
    if data is None or not len(data) or kind not in _NUMBERS:
        return kind != ""
    shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    return min(shape, default=0) >= 0 and math.prod(shape) * np.dtype(kind.lower()).itemsize == len(data)


def write_file(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write *content* beside *path* and rename it, so that a failure leaves what was there.

    Raises:
        SpecError: the file cannot be written there.
    """
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent or ".", prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        message = f"cannot write the file: {(error.strerror or 'no reason given').lower()}"
        raise SpecError([UNREADABLE_FILE.at(Place(str(target)), message)]) from None
    return target
