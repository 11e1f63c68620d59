"""The arithmetic of quantization in numpy: parameters from ranges, integers from reals and back, range estimators."""

from qspec.numerics.bias import BiasOverflowError, bias_scales, quantize_bias, weight_scales_that_hold
from qspec.numerics.estimators import ESTIMATORS, Estimator, estimator
from qspec.numerics.packing import pack_int4
from qspec.numerics.parameters import SMALLEST_RANGE, Parameters, exact_parameters, parameters_from_range
from qspec.numerics.quantize import code_type, dequantize, fake_quantize, quantize
from qspec.numerics.rounding import Rounding, round_half_away, round_half_even

__all__ = [
    "ESTIMATORS",
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
    "pack_int4",
    "parameters_from_range",
    "quantize",
    "quantize_bias",
    "round_half_away",
    "round_half_even",
    "weight_scales_that_hold",
]
