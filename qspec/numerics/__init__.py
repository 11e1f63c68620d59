"""The arithmetic of quantization in numpy: parameters from ranges, integers from reals and back, range estimators."""

from qspec.numerics.bias import BiasOverflowError, bias_scales, quantize_bias, weight_scales_that_hold
from qspec.numerics.estimators import ESTIMATORS, Estimator, estimator
from qspec.numerics.packing import PACKED, pack_codes
from qspec.numerics.parameters import (
    SMALLEST_BLOCK_SCALE,
    SMALLEST_RANGE,
    Parameters,
    exact_parameters,
    parameters_from_range,
)
from qspec.numerics.quantize import code_type, dequantize, fake_quantize, quantize
from qspec.numerics.rounding import Rounding, round_half_away, round_half_even
from qspec.numerics.weight_ranges import SEARCHED, range_shares

__all__ = [
    "ESTIMATORS",
    "PACKED",
    "SEARCHED",
    "SMALLEST_BLOCK_SCALE",
    "SMALLEST_RANGE",
    "BiasOverflowError",
    "Estimator",
    "Parameters",
    "Rounding",
    "bias_scales",
    "code_type",
    "dequantize",
    "estimator",
    "exact_parameters",
    "fake_quantize",
    "pack_codes",
    "parameters_from_range",
    "quantize",
    "quantize_bias",
    "range_shares",
    "round_half_away",
    "round_half_even",
    "weight_scales_that_hold",
]
