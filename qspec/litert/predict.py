"""Running an integer file on float samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNUSABLE_DATA
from qspec.litert.calibration import fixed_batches
from qspec.litert.flatbuffer import unpack
from qspec.litert.interpreter import make_interpreter, run
from qspec.numerics import Parameters, dequantize, exact_parameters, quantize


def predict(content: bytes, inputs: Any, kernels: Any = "fast") -> Any:
    """The outputs of a `.tflite` file for float *inputs* (an array, a list of arrays, or a dict by input name).

    They are quantized on the way in and dequantized on the way out where the file's interface is integer. One array, or
    a list where the file has several outputs.

    Raises:
        SpecError: the inputs are not those of the file.
    """
    interpreter = make_interpreter(content, kernels)
    details = interpreter.get_input_details()
    arrays = [np.asarray(array) for array in _in_order(content, inputs, details)]
    for array, detail in zip(arrays, details, strict=True):
        _check(array, detail, len(arrays[0]) if arrays[0].ndim else 0)
    codes = [to_interface(array, detail) for array, detail in zip(arrays, details, strict=True)]
    batch = int(details[0]["shape_signature"][0])
    parts = [run(interpreter, part) for part in fixed_batches(codes, batch if batch > 0 else None)]
    outputs = [np.concatenate(values)[: len(codes[0])] for values in zip(*parts, strict=True)]
    details = interpreter.get_output_details()
    reals = [from_interface(array, detail) for array, detail in zip(outputs, details, strict=True)]
    return reals[0] if len(reals) == 1 else reals


def _in_order(content: bytes, inputs: Any, details: Sequence[Any]) -> list[Any]:
    """The inputs in the order of the file's."""
    if isinstance(inputs, Mapping):
        signature = unpack(content).signatureDefs[0]
        names = {int(entry.tensorIndex): str(_text(entry.name)) for entry in signature.inputs}
        order = [names[detail["index"]] for detail in details]
        missing = next((name for name in order if name not in inputs), None)
        if missing is not None:
            raise _unusable(f"there is no `{missing}`, an input of the file")
        return [inputs[name] for name in order]
    arrays = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if len(arrays) != len(details):
        raise _unusable(f"there are {len(arrays)} inputs, the file takes {len(details)}")
    return arrays


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _check(array: np.ndarray, detail: Any, count: int) -> None:
    shape = [int(size) for size in detail["shape_signature"]]
    fits = array.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size < 0 else str(size) for size in shape[1:])
        raise _unusable(f"an input has shape {array.shape}, the file takes (samples, {wanted})")
    if len(array) != count or not count:
        raise _unusable(f"the inputs hold {count} and {len(array)} samples")
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise _unusable("the inputs hold NaN, infinity, or no numbers")


def _unusable(message: str) -> SpecError:
    return SpecError([UNUSABLE_DATA.at(Place("data"), message, help="give one array for each input, samples first")])


def to_interface(array: np.ndarray, detail: Any) -> np.ndarray:
    """Float values as the file's input takes them."""
    parameters = _parameters(detail)
    if parameters is None:
        return array.astype(detail["dtype"])
    return quantize(array, parameters).astype(detail["dtype"])


def from_interface(array: np.ndarray, detail: Any) -> np.ndarray:
    """What the file's output means, as float32 where it is quantized."""
    parameters = _parameters(detail)
    return array if parameters is None else dequantize(array, parameters)


def _parameters(detail: Any) -> Parameters | None:
    scales: Sequence[float] = detail["quantization_parameters"]["scales"]
    if not len(scales):
        return None
    limits = np.iinfo(detail["dtype"])
    zero_point = detail["quantization_parameters"]["zero_points"][0]
    return exact_parameters(scales[0], zero_point, lowest=int(limits.min), highest=int(limits.max))
