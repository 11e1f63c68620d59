"""Models of raw operations that become several ops each: functions, tests, orders, matrices, patterns, images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering.zoo_operations import IMAGE, SEQUENCE, Made, _layers, _numbers, _of, _of_both, _ops

SQUARE = (3, 5, 5)


def models() -> dict[str, Made]:
    """A function that makes each model, by its name."""
    found: dict[str, Made] = {}
    for group in (_functions, _tests, _filled, _orders, _matrices, _movement, _windows, _images, _neural):
        found |= group()
    return found


def _of_one(function: Callable[..., Any], shape: tuple[int, ...]) -> Made:
    """A model that is made for batches of one."""

    def make() -> Any:
        import keras

        tensor = keras.Input(batch_shape=(1, *shape), name="x")
        return keras.Model(tensor, function(tensor))

    return make


def _plain(names: str, shift: float = 0.0) -> dict[str, Made]:
    return {
        name: _of(lambda x, name=name: getattr(_ops(), name)(x + shift if shift else x), SEQUENCE)
        for name in names.split()
    }


def _functions() -> dict[str, Made]:
    return {
        **_plain("trunc arcsin arccos arctan arcsinh arctanh cbrt sinc erf erfc fabs"),
        **_plain("arccosh", 3.0),
        "arctan2": _of(lambda x, y: _ops().arctan2(x, y), SEQUENCE, SEQUENCE),
        "fmod": _of(lambda x: _ops().fmod(x, 0.3), SEQUENCE),
        "fmod_tensors": _of(lambda x, y: _ops().fmod(x, y + 2), SEQUENCE, SEQUENCE),
        "fmax": _of(lambda x, y: _ops().fmax(x, y), SEQUENCE, SEQUENCE),
        "fmin": _of(lambda x: _ops().fmin(x, 0.2), SEQUENCE),
        "logaddexp2": _of(lambda x, y: _ops().logaddexp2(x, y), SEQUENCE, SEQUENCE),
        "ldexp": _of_both(lambda x, i: _ops().ldexp(x, i), SEQUENCE, SEQUENCE),
        "round_decimals": _of(lambda x: _ops().round(x, 1), SEQUENCE),
        "saturate_cast": _of(lambda x: _ops().saturate_cast(x * 500, "uint8"), SEQUENCE),
        "erf_gelu": _of(lambda x: 0.5 * x * (1 + _ops().erf(x / 2**0.5)), SEQUENCE),
        "divide_no_nan_tensors": _of(lambda x, y: _ops().divide_no_nan(x, _ops().relu(y)), SEQUENCE, SEQUENCE),
        "clip_arrays": _of(
            lambda x: _ops().clip(x, [-0.5, 0.0, -0.25, -1.0, 0.1, -0.1], [0.5, 0.25, 0.5, 0.75, 0.5, 0.5]), SEQUENCE
        ),
    }


def _tests() -> dict[str, Made]:
    def told(name: str) -> Made:
        return _of(lambda x: _ops().where(getattr(_ops(), name)(x), x, x * 2), SEQUENCE)

    return {
        **{name: told(name) for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit")},
        "isnan_itself": _of(lambda x: _ops().isnan(x), SEQUENCE),
        "isclose": _of(lambda x, y: _ops().isclose(x, y, rtol=0.1, atol=0.2), SEQUENCE, SEQUENCE),
        "isin": _of(lambda x: _ops().isin(x, [0, 2]), SEQUENCE, dtype="int32"),
        "isin_one": _of(lambda x: _ops().isin(x, [3]), SEQUENCE, dtype="int32"),
        "isin_inverted": _of(lambda x: _ops().isin(x, [0, 2], invert=True), SEQUENCE, dtype="int32"),
        "heaviside": _of(lambda x: _ops().heaviside(x, _numbers(6)), SEQUENCE),
        "nan_to_num": _of(lambda x: _ops().nan_to_num(x), SEQUENCE),
        "threshold": _of(lambda x: _ops().threshold(x, 0.2, -3.0), SEQUENCE),
        "select": _of(lambda x: _ops().select([x < -0.5, x < 0.5], [x * 2, x * 3], 0.25), SEQUENCE),
        "any_of_reals": _of(lambda x: _ops().any(_ops().relu(x), axis=-1), SEQUENCE),
        "uniform_minimum": _of(lambda x: _ops().minimum(x, _numbers(6) * 0 + 0.5), SEQUENCE),
        "uniform_where": _of(lambda x: _ops().where(x > _numbers(6) * 0, x, _numbers(4, 6) * 0 + 0.5), SEQUENCE),
        "logical_not_of_integers": _of(lambda x: _ops().logical_not(x), SEQUENCE, dtype="int32"),
    }


def _filled() -> dict[str, Made]:
    return {
        "zeros_like": _of(lambda x: _ops().zeros_like(x), SEQUENCE),
        "zeros_like_chosen": _of(lambda x: _ops().where(x > 0, x, _ops().zeros_like(x)), SEQUENCE),
        "ones_like": _of(lambda x: x + _ops().ones_like(x), SEQUENCE),
        "full_like": _of(lambda x: _ops().concatenate([x, _ops().full_like(x[:, :1], 0.75)], axis=1), SEQUENCE),
        "zeros_like_integers": _of(lambda x: _ops().zeros_like(x) + x, SEQUENCE, dtype="int32"),
        "ones_like_cast": _of(lambda x: _ops().ones_like(x, dtype="float32"), SEQUENCE, dtype="int32"),
    }


def _orders() -> dict[str, Made]:
    return {
        "take_along_first": _of_both(lambda x, i: _ops().take_along_axis(x, i, axis=1), SEQUENCE, (2, 6)),
        "sort": _of(lambda x: _ops().sort(x), SEQUENCE),
        "sort_axis": _of(lambda x: _ops().sort(x, axis=1), SEQUENCE),
        "sort_integers": _of(lambda x: _ops().sort(x), SEQUENCE, dtype="int32"),
        "argsort": _of(lambda x: _ops().argsort(x), SEQUENCE),
        "argsort_axis": _of(lambda x: _ops().argsort(x, axis=1), SEQUENCE),
        "median": _of(lambda x: _ops().median(x, axis=-1), SEQUENCE),
        "median_odd": _of(lambda x: _ops().median(x, axis=1), (5, 6)),
        "median_kept": _of(lambda x: _ops().median(x, axis=(1, 2), keepdims=True), SEQUENCE),
        "quantile": _of(lambda x: _ops().quantile(x, 0.3, axis=-1), SEQUENCE),
        "percentile": _of(lambda x: _ops().percentile(x, 90, axis=1, keepdims=True), SEQUENCE),
        "digitize": _of(lambda x: _ops().digitize(x, _numbers(3, low=-0.5)), SEQUENCE),
        "searchsorted": _of(lambda x: _ops().searchsorted(_numbers(5), x), ()),
        "searchsorted_right": _of(lambda x: _ops().searchsorted(_numbers(5), x, side="right"), ()),
    }


def _matrices() -> dict[str, Made]:
    return {
        "tril": _of(lambda x: _ops().tril(x), SEQUENCE),
        "triu": _of(lambda x: _ops().triu(x, k=1), SEQUENCE),
        "diagonal": _of(lambda x: _ops().diagonal(x, axis1=2, axis2=3), SQUARE),
        "diagonal_offset": _of(lambda x: _ops().diagonal(x, offset=1, axis1=1, axis2=2), SEQUENCE),
        "trace": _of(lambda x: _ops().trace(x, axis1=2, axis2=3), SQUARE),
        "diff": _of(lambda x: _ops().diff(x), SEQUENCE),
        "diff_twice": _of(lambda x: _ops().diff(x, n=2, axis=1), SEQUENCE),
        "trapezoid": _of(lambda x: _ops().trapezoid(x, dx=0.5), SEQUENCE),
        "cumprod": _of(lambda x: _ops().cumprod(x, axis=-1), SEQUENCE),
        "cumprod_axis": _of(lambda x: _ops().cumprod(x, axis=1), SEQUENCE),
        "outer": _of(lambda x: _ops().outer(x, _numbers(3)), (6,)),
        "inner": _of(lambda x, y: _ops().inner(x, y), (6,), (6,)),
        "cross": _of(lambda x, y: _ops().cross(x, y), (4, 3), (4, 3)),
        "einsum_ellipsis": _of(lambda x: _ops().einsum("...j,jk->...k", x, _numbers(6, 3)), SEQUENCE),
        "einsum_ellipses": _of(lambda x, y: _ops().einsum("...ij,...jk->...ik", x, y), (2, 4, 6), (2, 6, 3)),
        "rfft": _of(lambda x: list(_ops().rfft(x)), SEQUENCE),
        "rfft_shorter": _of(lambda x: list(_ops().rfft(x, fft_length=4)), SEQUENCE),
        "rfft_longer": _of(lambda x: list(_ops().rfft(x, fft_length=9)), SEQUENCE),
        "nanmean": _of(lambda x: _ops().nanmean(x, axis=-1), SEQUENCE),
        "nanmax": _of(lambda x: _ops().nanmax(x, axis=1, keepdims=True), SEQUENCE),
        "average": _of(lambda x: _ops().average(x, axis=1), SEQUENCE),
        "average_weighted": _of(lambda x: _ops().average(x, axis=1, weights=_numbers(4)), SEQUENCE),
    }


def _movement() -> dict[str, Made]:
    return {
        "fliplr": _of(lambda x: _ops().fliplr(x), SEQUENCE),
        "rot90": _of(lambda x: _ops().rot90(x, axes=(1, 2)), IMAGE),
        "rot90_twice": _of(lambda x: _ops().rot90(x, k=2, axes=(1, 2)), (5, 5, 4)),
        "rot90_back": _of(lambda x: _ops().rot90(x, k=-1, axes=(1, 2)), IMAGE),
        "hsplit": _of(lambda x: _ops().hsplit(x, 2), SEQUENCE),
        "dsplit": _of(lambda x: _ops().dsplit(x, [2, 3]), SEQUENCE),
        "array_split": _of(lambda x: _ops().array_split(x, 4, axis=-1), SEQUENCE),
        "dstack": _of(lambda x, y: _ops().dstack([x, y]), SEQUENCE, SEQUENCE),
        "rearrange": _of_one(lambda x: _ops().rearrange(x, "b h w c -> b c h w"), IMAGE),
        "rearrange_joined": _of_one(lambda x: _ops().rearrange(x, "b h w c -> b (h w) c"), IMAGE),
        "rearrange_apart": _of_one(lambda x: _ops().rearrange(x, "b s (h d) -> b h s d", h=2), SEQUENCE),
        "slice_update": _of(lambda x, y: _ops().slice_update(x, (0, 1, 2), y), SEQUENCE, (2, 3)),
    }


def _windows() -> dict[str, Made]:
    return {
        "separable_conv": _of(lambda x: _ops().separable_conv(x, _numbers(3, 3, 4, 2), _numbers(1, 1, 8, 3)), IMAGE),
        "separable_conv_sequence": _of(
            lambda x: _ops().separable_conv(x, _numbers(3, 6, 1), _numbers(1, 6, 3), strides=2), SEQUENCE
        ),
        "adaptive_average_pool": _of(lambda x: _ops().adaptive_average_pool(x, (3, 2)), IMAGE),
        "adaptive_max_pool": _of(lambda x: _ops().adaptive_max_pool(x, (2,)), SEQUENCE),
        "conv2d_transpose_dilated": _of(lambda x: _layers().Conv2DTranspose(3, 3, dilation_rate=2)(x), IMAGE),
        "conv2d_transpose_dilated_same": _of(
            lambda x: _layers().Conv2DTranspose(3, (3, 2), dilation_rate=(2, 3), padding="same")(x), IMAGE
        ),
        "conv1d_transpose_dilated": _of(lambda x: _layers().Conv1DTranspose(3, 3, dilation_rate=2)(x), SEQUENCE),
        "conv3d_transpose_dilated": _of(lambda x: _layers().Conv3DTranspose(2, 2, dilation_rate=2)(x), (3, 4, 5, 2)),
        "extract_sequences": _of(lambda x: _ops().extract_sequences(x, 4, 2), SEQUENCE),
    }


def _images() -> dict[str, Made]:
    found: dict[str, Made] = {
        "patches": _of(lambda x: _ops().image.extract_patches(x, 2), (6, 4, 3)),
        "patches_overlapping": _of(lambda x: _ops().image.extract_patches(x, 3, strides=2, padding="same"), IMAGE),
        "gaussian_blur": _of(lambda x: _ops().image.gaussian_blur(x, (3, 3), (1.0, 2.0)), IMAGE),
        "rgb_to_grayscale": _of(lambda x: _ops().image.rgb_to_grayscale(x), (6, 5, 3)),
        "crop_images": _of(lambda x: _ops().image.crop_images(x, 1, 2, target_height=3, target_width=2), IMAGE),
        "pad_images": _of(lambda x: _ops().image.pad_images(x, 1, 2, target_height=9, target_width=8), IMAGE),
        "sobel_edges": _of(lambda x: _ops().image.sobel_edges(x), IMAGE),
        "resize_cropped": _of(lambda x: _ops().image.resize(x, (4, 4), crop_to_aspect_ratio=True), IMAGE),
    }
    for method in ("bicubic", "lanczos3", "lanczos5"):
        found[f"resize_{method}"] = _of(
            lambda x, method=method: _ops().image.resize(x, (9, 11), interpolation=method), IMAGE
        )
        found[f"up_sampling_{method}"] = _of(
            lambda x, method=method: _layers().UpSampling2D((2, 3), interpolation=method)(x), IMAGE
        )
    for method in ("bilinear", "bicubic", "lanczos3"):
        found[f"resizing_smooth_{method}"] = _of(
            lambda x, method=method: _layers().Resizing(4, 3, interpolation=method, antialias=True)(x), (9, 8, 2)
        )
    found["resizing_width"] = _of(lambda x: _layers().Resizing(6, 9, interpolation="bicubic")(x), IMAGE)
    return found


def _neural() -> dict[str, Made]:
    def attention(**arguments: object) -> Made:
        return _of(lambda q, k, v: _ops().dot_product_attention(q, k, v, **arguments), (4, 2, 3), (5, 2, 3), (5, 2, 3))

    return {
        "attention": attention(),
        "attention_scale": attention(scale=0.25),
        "attention_bias": attention(bias=_numbers(1, 2, 4, 5)),
        "attention_causal": _of(lambda x: _ops().dot_product_attention(x, x, x, is_causal=True), (4, 2, 3)),
        "attention_masked": attention(mask=_numbers(1, 1, 4, 5) > 0.7),
        "conv_channels_first": _of(
            lambda x: _ops().conv(x, _numbers(3, 3, 4, 2), data_format="channels_first"), (4, 6, 5)
        ),
        "multi_hot": _of(lambda x: _ops().multi_hot(x, 5), (4,), dtype="int32"),
        "celu_alpha": _of(lambda x: _ops().celu(x, 0.5), SEQUENCE),
        "glu_axis": _of(lambda x: _ops().glu(x, axis=1), SEQUENCE),
        "soft_shrink_threshold": _of(lambda x: _ops().soft_shrink(x, 0.2), SEQUENCE),
        "hard_shrink_threshold": _of(lambda x: _ops().hard_shrink(x, 0.2), SEQUENCE),
        "squareplus_b": _of(lambda x: _ops().squareplus(x, 2), SEQUENCE),
        "sparsemax_axis": _of(lambda x: _ops().sparsemax(x, axis=1), SEQUENCE),
        "normalize_1": _of(lambda x: _ops().normalize(x, axis=-1, order=1), SEQUENCE),
        "layer_norm_rms": _of(lambda x: _ops().layer_normalization(x, _numbers(6), rms_scaling=True), SEQUENCE),
    }
