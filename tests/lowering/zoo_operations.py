"""Models of raw operations, `x + 1` and `keras.ops`: each a short function of one or two tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SEQUENCE = (4, 6)
IMAGE = (6, 5, 4)
VOLUME = (3, 4, 5, 2)

Made = Callable[[], Any]


def models() -> dict[str, Made]:
    """A function that makes each model, by its name."""
    found: dict[str, Made] = {}
    for group in (_arithmetic, _functions, _comparisons, _reductions, _shapes, _joining, _repeating, _picking):
        found |= group()
    for group in (_products, _neural, _images, _volumes, _readers):
        found |= group()
    return found


def _layers() -> Any:
    from keras import layers

    return layers


def _of(function: Callable[..., Any], *shapes: tuple[int, ...], dtype: str = "float32") -> Made:
    def make() -> Any:
        import keras

        tensors = [keras.Input(shape, name=f"x{number}", dtype=dtype) for number, shape in enumerate(shapes, 1)]
        return keras.Model(tensors, function(*tensors))

    return make


def _numbers(*shape: int, dtype: str = "float32", low: float = 0.25) -> Any:
    """An array without zeros and ones."""
    import numpy as np

    count = int(np.prod(shape))
    return (low + np.arange(count) / count).reshape(shape).astype(dtype)


def _arithmetic() -> dict[str, Made]:
    def one(function: Callable[..., Any]) -> Made:
        return _of(function, SEQUENCE)

    def two(function: Callable[..., Any]) -> Made:
        return _of(function, SEQUENCE, SEQUENCE)

    return {
        "add_number": one(lambda x: x + 1),
        "add_to_number": one(lambda x: 1 + x),
        "add_array": one(lambda x: x + _numbers(6)),
        "add_matrix": one(lambda x: x + _numbers(4, 6)),
        "add_column": one(lambda x: x + _numbers(4, 1)),
        "add_nothing": one(lambda x: (x + 0) * 2),
        "add_tensors": two(lambda x, y: x + y),
        "add_ranks": _of(lambda x, y: x + y[:, None], SEQUENCE, (6,)),
        "add_itself": one(lambda x: x + x),
        "add_relu": two(lambda x, y: _ops().relu(x + y)),
        "subtract_number": one(lambda x: x - 0.5),
        "subtract_from_number": one(lambda x: 1 - x),
        "subtract_array": one(lambda x: x - _numbers(6)),
        "subtract_tensors": two(lambda x, y: x - y),
        "multiply_number": one(lambda x: 2 * x),
        "multiply_array": one(lambda x: x * _numbers(1, 4, 1)),
        "multiply_by_one": one(lambda x: (x * 1) + 2),
        "multiply_tensors": two(lambda x, y: x * y),
        "multiply_add": one(lambda x: 2 * x + 1),
        "divide_number": one(lambda x: x / 3),
        "divide_array": one(lambda x: x / _numbers(6)),
        "divide_number_by": one(lambda x: 2 / (x + 3)),
        "divide_tensors": two(lambda x, y: x / (y + 3)),
        "divide_no_nan": one(lambda x: _ops().divide_no_nan(x, 4.0)),
        "floor_divide": one(lambda x: x // 0.4),
        "modulo": one(lambda x: x % 0.4),
        "negative": one(lambda x: -x),
        "absolute": one(lambda x: abs(x)),
        "power_two": one(lambda x: x**2),
        "power_half": one(lambda x: (x + 2) ** 0.5),
        "power_minus_half": one(lambda x: (x + 2) ** -0.5),
        "power_one": one(lambda x: (x**1) + 1),
        "power_three": one(lambda x: x**3),
        "power_of_number": one(lambda x: 2.0**x),
        "power_tensors": two(lambda x, y: (x + 2) ** y),
        "maximum_number": one(lambda x: _ops().maximum(x, 0.25)),
        "maximum_zero": one(lambda x: _ops().maximum(0, x)),
        "maximum_tensors": two(lambda x, y: _ops().maximum(x, y)),
        "minimum_number": one(lambda x: _ops().minimum(x, 0.25)),
        "minimum_array": one(lambda x: _ops().minimum(x, _numbers(6))),
        "hypot": two(lambda x, y: _ops().hypot(x, y)),
        "logaddexp": two(lambda x, y: _ops().logaddexp(x, y)),
        "chain": one(lambda x: (x * 2 - 1) / 3 + x),
        "stop_gradient": one(lambda x: _ops().stop_gradient(x) * 2),
        "integers_add": _of(lambda x: x + 3, SEQUENCE, dtype="int32"),
        "integers_multiply": _of(lambda x: x * 3, SEQUENCE, dtype="int32"),
        "integers_scaled": _of(lambda x: x * 0.5, SEQUENCE, dtype="int32"),
        "integers_divided": _of(lambda x: x / 2, SEQUENCE, dtype="int32"),
        "integers_cast": _of(lambda x: _ops().cast(x, "float32") + 1, SEQUENCE, dtype="int32"),
        "integers_absolute": _of(lambda x: abs(x - 2), SEQUENCE, dtype="int32"),
        "integers_squared": _of(lambda x: _ops().square(x), SEQUENCE, dtype="int32"),
        "pixels": _of(lambda x: _ops().cast(x, "float32") / 255.0, IMAGE, dtype="uint8"),
    }


def _ops() -> Any:
    import keras

    return keras.ops


def _functions() -> dict[str, Made]:
    plain = ("square", "exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sign", "floor", "ceil", "round", "expm1",
             "exp2", "deg2rad", "rad2deg")  # fmt: skip
    of_positive = ("sqrt", "rsqrt", "log", "log1p", "log2", "log10", "reciprocal")
    found = {name: _of(lambda x, name=name: getattr(_ops(), name)(x), SEQUENCE) for name in plain}
    found |= {name: _of(lambda x, name=name: getattr(_ops(), name)(x + 2), SEQUENCE) for name in of_positive}
    clips = {"clip": (-0.5, 0.25), "clip_6": (0, 6), "clip_1": (-1, 1), "clip_unit": (0, 1)}
    found |= {name: _of(lambda x, bounds=bounds: _ops().clip(x, *bounds), SEQUENCE) for name, bounds in clips.items()}
    found["cast_int"] = _of(lambda x: _ops().cast(x * 4, "int32"), SEQUENCE)
    found["cast_bool"] = _of(lambda x: _ops().where(_ops().cast(_ops().floor(x), "bool"), x, 2.0), SEQUENCE)
    return found


def _comparisons() -> dict[str, Made]:
    def two(function: Callable[..., Any]) -> Made:
        return _of(function, SEQUENCE, SEQUENCE)

    return {
        "greater": two(lambda x, y: x > y),
        "greater_number": two(lambda x, y: _ops().where(x > 0.25, x, y)),
        "less_equal": two(lambda x, y: _ops().where(x <= y, x * 2, y)),
        "equal": two(lambda x, y: _ops().equal(_ops().floor(x), _ops().floor(y))),
        "not_equal_number": two(lambda x, y: _ops().where(_ops().not_equal(_ops().floor(x), 0), x, y)),
        "where_numbers": two(lambda x, y: _ops().where(x < y, 1.0, -2.0)),
        "where_number": two(lambda x, y: _ops().where(x >= y, x, 0.0)),
        "where_column": _of(lambda x: _ops().where(x[:, :, :1] > 0, x, 0.5), SEQUENCE),
        "logical_and": two(lambda x, y: _ops().where(_ops().logical_and(x > 0, y > 0), x, y)),
        "logical_or": two(lambda x, y: _ops().where(_ops().logical_or(x > 0, y > 0), x, y)),
        "logical_xor": two(lambda x, y: _ops().where(_ops().logical_xor(x > 0, y > 0), x, y)),
        "logical_not": two(lambda x, y: _ops().where(_ops().logical_not(x > 0), x, y)),
        "count": _of(lambda x: _ops().sum(_ops().cast(x > 0, "float32"), axis=1), SEQUENCE),
        "any": _of(lambda x: _ops().any(x > 0.5, axis=-1), SEQUENCE),
        "all": _of(lambda x: _ops().all(x > -0.5, axis=(1, 2), keepdims=True), SEQUENCE),
        "count_nonzero": _of(lambda x: _ops().count_nonzero(_ops().floor(x), axis=-1), SEQUENCE),
    }


def _reductions() -> dict[str, Made]:
    found: dict[str, Made] = {}
    for name in ("mean", "sum", "max", "min", "prod", "var", "std"):
        for key, arguments in (
            ("last", {"axis": -1}),
            ("kept", {"axis": 1, "keepdims": True}),
            ("both", {"axis": (1, 2)}),
        ):
            found[f"{name}_{key}"] = _of(
                lambda x, name=name, arguments=arguments: getattr(_ops(), name)(x, **arguments), SEQUENCE
            )
    found |= {
        "mean_image": _of(lambda x: _ops().mean(x, axis=[1, 2], keepdims=True), IMAGE),
        "mean_unit": _of(lambda x: _ops().mean(x, axis=1) * 2, (1, 6)),
        "argmax": _of(lambda x: _ops().argmax(x, axis=-1), SEQUENCE),
        "argmax_kept": _of(lambda x: _ops().argmax(x, axis=1, keepdims=True), SEQUENCE),
        "argmin": _of(lambda x: _ops().argmin(x, axis=1), SEQUENCE),
        "logsumexp": _of(lambda x: _ops().logsumexp(x, axis=-1), SEQUENCE),
        "logsumexp_kept": _of(lambda x: _ops().logsumexp(x, axis=1, keepdims=True), SEQUENCE),
        "norm": _of(lambda x: _ops().norm(x, axis=-1), SEQUENCE),
        "norm_1": _of(lambda x: _ops().norm(x, ord=1, axis=-1), SEQUENCE),
        "ptp": _of(lambda x: _ops().ptp(x, axis=-1), SEQUENCE),
        "moments": _of(lambda x: list(_ops().moments(x, axes=[1])), SEQUENCE),
        "moments_kept": _of(lambda x: list(_ops().moments(x, axes=[1, 2], keepdims=True)), SEQUENCE),
        "cumsum": _of(lambda x: _ops().cumsum(x, axis=1), SEQUENCE),
        "standardize": _of(
            lambda x: (x - _ops().mean(x, axis=-1, keepdims=True)) / (_ops().std(x, axis=-1, keepdims=True) + 1e-3),
            SEQUENCE,
        ),
    }
    for name in ("mean", "sum", "max", "min", "prod", "var", "std", "logsumexp"):
        for kept in (False, True):
            found[f"{name}_of_one{'_kept' if kept else ''}"] = _of(
                lambda x, name=name, kept=kept: getattr(_ops(), name)(x, axis=1, keepdims=kept) + 1, (1, 6)
            )
    for name in ("norm", "ptp", "count_nonzero", "argmax", "cumsum"):
        found[f"{name}_of_one"] = _of(lambda x, name=name: getattr(_ops(), name)(x, axis=1), (1, 6))
    found["moments_of_one"] = _of(lambda x: list(_ops().moments(x, axes=[1])), (1, 6))
    return found


def _shapes() -> dict[str, Made]:
    return {
        "reshape": _of(lambda x: _ops().reshape(x, (-1, 24)), SEQUENCE),
        "reshape_apart": _of(lambda x: _ops().reshape(x, (-1, 2, 2, 6)), SEQUENCE),
        "reshape_nothing": _of(lambda x: _ops().reshape(x, (-1, 4, 6)) + 1, SEQUENCE),
        "transpose": _of(lambda x: _ops().transpose(x, (0, 2, 1)), SEQUENCE),
        "transpose_units": _of(lambda x: _ops().transpose(x, (0, 2, 1)), (1, 6)),
        "swapaxes": _of(lambda x: _ops().swapaxes(x, 1, 2), SEQUENCE),
        "moveaxis": _of(lambda x: _ops().moveaxis(x, -1, 1), IMAGE),
        "moveaxis_two": _of(lambda x: _ops().moveaxis(x, (1, 2), (3, 1)), IMAGE),
        "expand_dims": _of(lambda x: _ops().expand_dims(x, -1), SEQUENCE),
        "expand_dims_first": _of(lambda x: _ops().expand_dims(x, 1), SEQUENCE),
        "squeeze": _of(lambda x: _ops().squeeze(x, 1), (1, 6)),
        "squeeze_last": _of(lambda x: _ops().squeeze(x, -1) * 2, (6, 1)),
    }


def _joining() -> dict[str, Made]:
    def two(function: Callable[..., Any]) -> Made:
        return _of(function, SEQUENCE, SEQUENCE)

    return {
        "concatenate": two(lambda x, y: _ops().concatenate([x, y], axis=1)),
        "concatenate_last": two(lambda x, y: _ops().concatenate([x, y, x], axis=-1)),
        "concatenate_constant": _of(lambda x: _ops().concatenate([x, _numbers(1, 2, 6)], axis=1), SEQUENCE),
        "hstack": two(lambda x, y: _ops().hstack([x, y])),
        "append": two(lambda x, y: _ops().append(x, y, axis=2)),
        "stack": two(lambda x, y: _ops().stack([x, y], axis=1)),
        "stack_last": two(lambda x, y: _ops().stack([x, y], axis=-1)),
        "split": _of(lambda x: _ops().split(x, 2, axis=-1), SEQUENCE),
        "split_first": _of(lambda x: _ops().split(x, 2, axis=1)[0] + 1, SEQUENCE),
        "split_places": _of(lambda x: _ops().split(x, [1, 3], axis=-1), SEQUENCE),
        "unstack": _of(lambda x: _ops().unstack(x, axis=1), SEQUENCE),
        "unstack_one": _of(lambda x: _ops().unstack(x, axis=2)[3] * 2, SEQUENCE),
        "rejoined": _of(lambda x: _ops().concatenate(_ops().split(x, 3, axis=-1)[::-1], axis=-1), SEQUENCE),
    }


def _repeating() -> dict[str, Made]:
    return {
        "pad": _of(lambda x: _ops().pad(x, ((0, 0), (1, 1), (0, 2))), SEQUENCE),
        "pad_constant": _of(lambda x: _ops().pad(x, ((0, 0), (1, 1), (0, 2)), constant_values=3.0), SEQUENCE),
        "pad_reflect": _of(lambda x: _ops().pad(x, ((0, 0), (1, 1), (0, 2)), mode="reflect"), SEQUENCE),
        "pad_symmetric": _of(lambda x: _ops().pad(x, ((0, 0), (2, 1), (0, 0)), mode="symmetric"), SEQUENCE),
        "pad_nothing": _of(lambda x: _ops().pad(x, ((0, 0),) * 3) + 1, SEQUENCE),
        "tile": _of(lambda x: _ops().tile(x, (1, 2, 1)), SEQUENCE),
        "tile_two": _of(lambda x: _ops().tile(x, (1, 2, 3)), SEQUENCE),
        "repeat": _of(lambda x: _ops().repeat(x, 2, axis=1), SEQUENCE),
        "repeat_last": _of(lambda x: _ops().repeat(x, 3, axis=-1), SEQUENCE),
        "broadcast_to": _of(lambda x: _ops().broadcast_to(x, (1, 4, 6)), (1, 6)),
        "flip": _of(lambda x: _ops().flip(x, axis=1), SEQUENCE),
        "flip_two": _of(lambda x: _ops().flip(x, axis=(1, 2)), SEQUENCE),
        "roll": _of(lambda x: _ops().roll(x, 1, axis=1), SEQUENCE),
        "roll_back": _of(lambda x: _ops().roll(x, -2, axis=-1), SEQUENCE),
        "roll_two": _of(lambda x: _ops().roll(x, (1, 2), axis=(1, 2)), SEQUENCE),
    }


def _picking() -> dict[str, Made]:
    import numpy as np

    return {
        "item_slice": _of(lambda x: x[:, 1:], SEQUENCE),
        "item_both": _of(lambda x: x[:, 1:-1, ::2], SEQUENCE),
        "item_ellipsis": _of(lambda x: x[..., 0], SEQUENCE),
        "item_last": _of(lambda x: x[:, -1], SEQUENCE),
        "item_new_axis": _of(lambda x: x[:, None], SEQUENCE),
        "item_new_axis_slice": _of(lambda x: x[:, 1:, None, 2], SEQUENCE),
        "item_reversed": _of(lambda x: x[:, ::-1], SEQUENCE),
        "item_everything": _of(lambda x: x[:, :] + 1, SEQUENCE),
        "item_image": _of(lambda x: x[:, 1:3, ..., -1:], IMAGE),
        "slice": _of(lambda x: _ops().slice(x, (0, 1, 0), (1, 2, 6)), SEQUENCE),
        "take": _of(lambda x: _ops().take(x, [0, 2, 2], axis=1), SEQUENCE),
        "take_one": _of(lambda x: _ops().take(x, -1, axis=-1), SEQUENCE),
        "take_tensor": _of_both(lambda x, i: _ops().take(x, i, axis=1), SEQUENCE, (3,)),
        "take_along_axis": _of_both(lambda x, i: _ops().take_along_axis(x, i, axis=-1), SEQUENCE, (4, 2)),
        "take_along_constant": _of(
            lambda x: _ops().take_along_axis(x, np.array([[[0], [3], [2], [5]]]), axis=-1), SEQUENCE
        ),
        "top_k": _of(lambda x: list(_ops().top_k(x, 2)), SEQUENCE),
        "top_k_values": _of(lambda x: _ops().top_k(x, 3)[0] + 1, SEQUENCE),
        "one_hot": _of(lambda x: _ops().one_hot(x, 5), (4,), dtype="int32"),
        "one_hot_axis": _of(lambda x: _ops().one_hot(x, 5, axis=1), (4,), dtype="int32"),
    }


def _of_both(function: Callable[..., Any], shape: tuple[int, ...], indices: tuple[int, ...]) -> Made:
    """A model of a tensor and indices."""

    def make() -> Any:
        import keras

        tensors = [keras.Input(shape, name="x"), keras.Input(indices, name="i", dtype="int32")]
        return keras.Model(tensors, function(*tensors))

    return make


def _products() -> dict[str, Made]:
    return {
        "matmul": _of(lambda x: _ops().matmul(x, _numbers(6, 3)), SEQUENCE),
        "matmul_flat": _of(lambda x: _ops().matmul(x, _numbers(6, 3)), (6,)),
        "matmul_vector": _of(lambda x: _ops().matmul(x, _numbers(6)), SEQUENCE),
        "matmul_tensors": _of(lambda x, y: x @ y, SEQUENCE, (6, 3)),
        "matmul_transposed": _of(lambda x, y: x @ _ops().swapaxes(y, 1, 2), SEQUENCE, (5, 6)),
        "matmul_stack": _of(lambda x, y: x @ y, (2, 4, 6), (2, 6, 3)),
        "matmul_broadcast": _of(lambda x: _ops().matmul(x, _numbers(2, 6, 3)), (2, 4, 6)),
        "matmul_left": _of(lambda x: _ops().matmul(_numbers(3, 4), x), SEQUENCE),
        "dot": _of(lambda x: _ops().dot(x, _numbers(6, 3)), SEQUENCE),
        "tensordot": _of(lambda x: _ops().tensordot(x, _numbers(6, 3), axes=1), SEQUENCE),
        "tensordot_axes": _of(lambda x: _ops().tensordot(x, _numbers(4, 3), axes=[[1], [0]]), SEQUENCE),
        "tensordot_two": _of(lambda x: _ops().tensordot(x, _numbers(4, 6, 3), axes=2), SEQUENCE),
        "einsum_dense": _of(lambda x: _ops().einsum("bij,jk->bik", x, _numbers(6, 3)), SEQUENCE),
        "einsum_heads": _of(lambda x: _ops().einsum("bij,jkh->bikh", x, _numbers(6, 3, 2)), SEQUENCE),
        "einsum_joined": _of(lambda x: _ops().einsum("bijk,jkl->bil", x, _numbers(5, 4, 3)), IMAGE),
        "einsum_scores": _of(lambda x, y: _ops().einsum("bij,bkj->bik", x, y), SEQUENCE, (5, 6)),
        "einsum_product": _of(lambda x, y: _ops().einsum("bij,bjk->bik", x, y), SEQUENCE, (6, 3)),
        "einsum_attention": _of(lambda x, y: _ops().einsum("bqhd,bkhd->bhqk", x, y), (4, 2, 3), (5, 2, 3)),
        "einsum_transpose": _of(lambda x: _ops().einsum("bij->bji", x), SEQUENCE),
        "einsum_vectors": _of(lambda x, y: _ops().einsum("bi,bi->b", x, y), (6,), (6,)),
        "einsum_outer": _of(lambda x, y: _ops().einsum("bi,bj->bij", x, y), (6,), (5,)),
    }


def _neural() -> dict[str, Made]:
    names = ("relu", "relu6", "sigmoid", "softplus", "softsign", "silu", "log_sigmoid", "hard_sigmoid", "hard_silu",
             "hard_tanh", "tanh_shrink", "selu", "gelu", "elu", "celu", "glu", "soft_shrink", "hard_shrink",
             "squareplus", "leaky_relu", "softmax", "log_softmax", "sparse_sigmoid")  # fmt: skip
    found = {name: _of(lambda x, name=name: getattr(_ops(), name)(x), SEQUENCE) for name in names}
    return found | {
        "gelu_exact": _of(lambda x: _ops().gelu(x, approximate=False), SEQUENCE),
        "leaky_relu_slope": _of(lambda x: _ops().leaky_relu(x, 0.4), SEQUENCE),
        "elu_alpha": _of(lambda x: _ops().elu(x, 0.5), SEQUENCE),
        "softmax_axis": _of(lambda x: _ops().softmax(x, axis=1), SEQUENCE),
        "log_softmax_axis": _of(lambda x: _ops().log_softmax(x, axis=1), SEQUENCE),
        "normalize": _of(lambda x: _ops().normalize(x, axis=-1), SEQUENCE),
        "layer_norm": _of(lambda x: _ops().layer_normalization(x, _numbers(6), _numbers(6)), SEQUENCE),
        "rms_norm": _of(lambda x: _ops().rms_normalization(x, _numbers(6)), SEQUENCE),
        "batch_norm": _of(
            lambda x: _ops().batch_normalization(x, _numbers(6), _numbers(6), -1, _numbers(6), _numbers(6)), SEQUENCE
        ),
        "max_pool": _of(lambda x: _ops().max_pool(x, 2), SEQUENCE),
        "average_pool": _of(lambda x: _ops().average_pool(x, 2, strides=1, padding="same"), IMAGE),
        "max_pool_image": _of(lambda x: _ops().max_pool(x, (3, 2), strides=2, padding="same"), IMAGE),
        "conv": _of(lambda x: _ops().conv(x, _numbers(3, 6, 2)), SEQUENCE),
        "conv_image": _of(lambda x: _ops().conv(x, _numbers(3, 3, 4, 2), strides=2, padding="same"), IMAGE),
        "conv_dilated": _of(lambda x: _ops().conv(x, _numbers(3, 2, 4, 2), dilation_rate=2), IMAGE),
        "depthwise_conv": _of(lambda x: _ops().depthwise_conv(x, _numbers(3, 3, 4, 1)), IMAGE),
        "depthwise_conv_sequence": _of(lambda x: _ops().depthwise_conv(x, _numbers(3, 6, 2)), SEQUENCE),
    }


def _images() -> dict[str, Made]:
    return {
        "resize": _of(lambda x: _ops().image.resize(x, (8, 7)), IMAGE),
        "resize_nearest": _of(lambda x: _ops().image.resize(x, (12, 10), interpolation="nearest"), IMAGE),
        "depth_to_space": _of(lambda x: _ops().depth_to_space(x, 2), IMAGE),
        "space_to_depth": _of(lambda x: _ops().space_to_depth(x, 2), (6, 4, 3)),
    }


def _volumes() -> dict[str, Made]:
    """Operations that LiteRT broadcasts over four axes and no more."""
    return {
        "volumes_greater": _of(lambda x, y: _ops().where(x > y, x, y * 0.5), VOLUME, VOLUME),
        "volumes_greater_number": _of(lambda x: _ops().where(x > 0.1, x, 0.0), VOLUME),
        "volumes_less_array": _of(lambda x: _ops().where(x < _numbers(2), x, 0.5), VOLUME),
        "volumes_equal_planes": _of(lambda x, y: _ops().where(x >= y, x, 0.5), VOLUME, (1, 1, 5, 2)),
        "volumes_floor_divide": _of(lambda x: x // 0.4, VOLUME),
        "volumes_modulo": _of(lambda x, y: x % (y + 3), VOLUME, VOLUME),
        "volumes_power": _of(lambda x: (x + 2) ** 1.5, VOLUME),
        "volumes_variance": _of(lambda x: _ops().var(x, axis=-1), VOLUME),
        "volumes_variance_of_planes": _of(lambda x: _ops().var(x, axis=(1, 2)), VOLUME),
        "volumes_hard_shrink": _of(lambda x: _ops().hard_shrink(x), VOLUME),
        "volumes_thresholded": _of(lambda x: _layers().ReLU(negative_slope=0.2, threshold=0.3)(x), VOLUME),
    }


def _readers() -> dict[str, Made]:
    """Operations that compute the same inside, or are the same, of one tensor."""
    return {
        "halves": _of(lambda x: [_ops().gelu(x, approximate=False), x * 0.5, _ops().gelu(x)], SEQUENCE),
        "negatives": _of(lambda x: [-x, _layers().PReLU(shared_axes=[1])(x), _ops().relu(-x)], SEQUENCE),
        "between": _of(lambda x: [_ops().clip(x, -1.0, 1.0), _ops().minimum(x, 1.0), _ops().relu6(x)], SEQUENCE),
        "hard_swishes": _of(lambda x: [_ops().hard_silu(x), x + 3.0, _ops().relu6(x + 3.0)], SEQUENCE),
        "equal": _of(lambda x: _ops().tanh(x) + _layers().Activation("tanh")(x) * 2, SEQUENCE),
        "commuted": _of(lambda x, y: [_ops().relu(x * y), _ops().sin(y * x)], SEQUENCE, SEQUENCE),
        "commuted_first": _of(lambda x, y: [_ops().relu(y * x), _ops().sin(x * y)], SEQUENCE, SEQUENCE),
        "normalized": _of(lambda x: [_layers().UnitNormalization()(x), x * x, _ops().sum(x * x, axis=-1)], SEQUENCE),
        "transposed_convolutions": _of(
            lambda x: [_layers().Conv2DTranspose(4, 3, padding="same")(x), _layers().Conv2DTranspose(2, 2)(x)], IMAGE
        ),
    }
