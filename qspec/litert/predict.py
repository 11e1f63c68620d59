"""Running an integer file on float samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qspec.litert.calibration import fixed_batches
from qspec.litert.interpreter import make_interpreter, run
from qspec.numerics import Parameters, dequantize, exact_parameters, quantize


def predict(content: bytes, inputs: Any, kernels: Any = "fast") -> Any:
    """The outputs of a `.tflite` file for float *inputs*: quantized on the way in and dequantized on the way out where
    its interface is integer. One array, or a list where the file has several outputs."""
    interpreter = make_interpreter(content, kernels)
    arrays = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    details = interpreter.get_input_details()
    codes = [to_interface(np.asarray(array), detail) for array, detail in zip(arrays, details, strict=True)]
    batch = int(details[0]["shape_signature"][0])
    parts = [run(interpreter, part) for part in fixed_batches(codes, batch if batch > 0 else None)]
    outputs = [np.concatenate(values)[: len(codes[0])] for values in zip(*parts, strict=True)]
    details = interpreter.get_output_details()
    reals = [from_interface(array, detail) for array, detail in zip(outputs, details, strict=True)]
    return reals[0] if len(reals) == 1 else reals


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
