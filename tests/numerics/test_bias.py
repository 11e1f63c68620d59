import numpy as np
import pytest

from qspec.numerics import BiasOverflowError, bias_scales, quantize_bias, weight_scales_that_hold

LARGEST = 2**31 - 1


def test_a_bias_counts_steps_of_the_accumulator():
    """Input scale 1/4, weight scales 1/8 and 1/16: steps of 1/32 and 1/64."""
    assert [1 / 32, 1 / 64] == bias_scales(0.25, [1 / 8, 1 / 16]).tolist()
    codes = quantize_bias([1.0, -1.0], 0.25, [1 / 8, 1 / 16])

    assert [32, -64] == codes.tolist()
    assert np.int32 == codes.dtype


def test_one_scale_serves_all_channels():
    assert [32, -32, 0] == quantize_bias([1.0, -1.0, 0.0], 0.25, 1 / 8).tolist()


def test_ties_go_away_from_zero():
    assert [2, -2] == quantize_bias([1.5 / 32, -1.5 / 32], 0.25, 1 / 8).tolist()


def test_int16_activations_take_64_bits():
    codes = quantize_bias([2.0**40], 1.0, 1.0, bits=64)

    assert [2**40] == codes.tolist()
    assert np.int64 == codes.dtype


@pytest.mark.parametrize("sign", [1, -1])
def test_an_overflow_names_its_channels(sign):
    with pytest.raises(BiasOverflowError, match="channel 1, 3 does not fit int32") as caught:
        quantize_bias([0.0, sign * 2.0**31, 1.0, sign * 1e30], 1.0, 1.0)

    assert (1, 3) == caught.value.channels


def test_the_largest_bias_still_fits():
    assert [LARGEST, -LARGEST] == quantize_bias([float(LARGEST), -float(LARGEST)], 1.0, 1.0).tolist()


def test_a_scale_that_vanishes_is_an_overflow_unless_the_bias_is_zero():
    """1e-30 · 1e-30 is 0 in float32."""
    assert [0] == quantize_bias([0.0], 1e-30, 1e-30).tolist()
    with pytest.raises(BiasOverflowError):
        quantize_bias([1.0], 1e-30, 1e-30)


def test_nan_has_no_code():
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantize_bias([np.nan], 1.0, 1.0)


def test_a_scale_is_raised_until_half_of_int32_holds_the_bias():
    """TFLiteConverter 2.21 writes the bias 1 of an all but empty channel as 2^30, and leaves the others alone."""
    scales = weight_scales_that_hold([1.0, 1.0, 0.0], 2**-7, [1e-12, 0.01, 1e-12])

    assert [2**30, 2**30] == [quantize_bias([1.0], 2**-7, scales[0])[0], 1 / (2**-7 * float(scales[0]))]
    assert [np.float32(0.01), np.float32(1e-12)] == scales[1:].tolist()


def test_a_shared_scale_is_raised_for_the_largest_bias():
    scale = weight_scales_that_hold([1.0, -4.0], 1.0, 1e-12)

    assert () == scale.shape
    assert 4.0 / 2**30 == scale
