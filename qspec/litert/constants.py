"""The integers of a weight or bias, as the file holds them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qspec.graph.operands import operand_of, weights_of_bias
from qspec.graph.ops import Op, Tensor
from qspec.numerics import Parameters, quantize, quantize_bias


def constant_codes(
    op: Op, tensor: Tensor, values: np.ndarray, parameters: Mapping[int, Parameters]
) -> tuple[np.ndarray, Parameters]:
    """The codes of *tensor*, a constant that *op* reads, for its *values* (float32), and their scale and zero point.

    *parameters* are those of all quantized tensors but the biases, by tensor id. A bias has the product of its op's
    input and weight scales, and zero point 0 (LiteRT, tflite/kernels/kernel_util.cc).
    """
    if tensor.slot is None or tensor.slot.kind != "bias":
        return quantize(values, parameters[tensor.id]), parameters[tensor.id]
    scales = [parameters[read].scale for read in (operand_of(op, "input"), weights_of_bias(op, tensor.id))]
    codes: np.ndarray = quantize_bias(values, *scales, bits=64 if tensor.type == "int64" else 32)  # type: ignore[arg-type]
    scale = np.asarray(scales[0] * scales[1], np.float32)
    limits = np.iinfo(codes.dtype)
    axis = 0 if scale.ndim else None
    return codes, Parameters(scale, np.zeros(scale.shape, np.int32), limits.min, limits.max, axis)
