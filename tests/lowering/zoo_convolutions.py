"""One-layer models of convolutions and Dense, and what batch normalization and ReLU make of those."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering.lowering_zoo import FEATURES, IMAGE, SEQUENCE, chain

VOLUME = (4, 6, 5, 2)
LONG = (16, 4)


def models() -> dict[str, Callable[[], Any]]:
    """Builders by name."""
    shapes = {**_planes(), **_rows(), **_volumes(), **_transposed(), **_dense(), **_channels_first(), **_normalized()}
    made = {name: lambda shape=shape, layers=layers: chain(shape, layers()) for name, (shape, layers) in shapes.items()}
    return {**made, "conv_1d_shared": _shared, "conv_1d_read_twice": _read_twice, "conv_1d_shared_relu": _shared_relu}


def _shared() -> Any:
    """One kernel, with a ReLU behind one of its results."""
    import keras
    from keras import layers as L

    left, right = keras.Input(LONG), keras.Input(LONG)
    convolution = L.Conv1D(4, 3)
    return keras.Model([left, right], [L.ReLU()(convolution(left)), convolution(right)])


def _read_twice() -> Any:
    """A result that two layers read, so that neither normalization nor ReLU goes into the convolution."""
    import keras
    from keras import layers as L

    inputs = keras.Input(LONG)
    value = L.Conv1D(4, 3)(inputs)
    return keras.Model(inputs, [L.BatchNormalization()(value), L.ReLU()(value)])


def _shared_relu() -> Any:
    """A ReLU behind two convolutions."""
    import keras
    from keras import layers as L

    inputs, relu = keras.Input(LONG), L.ReLU()
    return keras.Model(inputs, L.Add()([relu(L.Conv1D(4, 3)(inputs)), relu(L.Conv1D(4, 3)(inputs))]))


Chains = dict[str, tuple[tuple[int | None, ...], Callable[[], list[Any]]]]


def _planes() -> Chains:
    from keras import layers as L

    return {
        "conv_2d": (IMAGE, lambda: [L.Conv2D(5, 3)]),
        "conv_2d_same": (IMAGE, lambda: [L.Conv2D(5, 3, padding="same", use_bias=False)]),
        "conv_2d_strides": (IMAGE, lambda: [L.Conv2D(5, 3, strides=(1, 2), padding="same")]),
        "conv_2d_strides_valid": (IMAGE, lambda: [L.Conv2D(5, (2, 3), strides=(3, 2))]),
        "conv_2d_dilated": (IMAGE, lambda: [L.Conv2D(5, 3, dilation_rate=2)]),
        "conv_2d_dilated_same": (IMAGE, lambda: [L.Conv2D(5, 3, dilation_rate=2, padding="same", activation="relu")]),
        "conv_2d_dilated_uneven": (IMAGE, lambda: [L.Conv2D(5, 3, dilation_rate=(1, 3), padding="same")]),
        "conv_2d_groups": (IMAGE, lambda: [L.Conv2D(6, 3, groups=2)]),
        "conv_2d_groups_dilated": (IMAGE, lambda: [L.Conv2D(6, 3, groups=2, dilation_rate=2, padding="same")]),
        "conv_2d_depthwise_by_groups": (IMAGE, lambda: [L.Conv2D(8, 3, groups=4)]),
        "conv_2d_1x1": (IMAGE, lambda: [L.Conv2D(5, 1, activation="softmax")]),
        "conv_2d_of_any_size": ((None, None, 3), lambda: [L.Conv2D(5, 3, padding="same", activation="silu")]),
        "conv_2d_p_re_lu": (IMAGE, lambda: [L.Conv2D(5, 3, activation=L.PReLU())]),
        "depthwise_2d": (IMAGE, lambda: [L.DepthwiseConv2D(3)]),
        "depthwise_2d_multiplier": (IMAGE, lambda: [L.DepthwiseConv2D((3, 2), depth_multiplier=3, use_bias=False)]),
        "depthwise_2d_strides": (IMAGE, lambda: [L.DepthwiseConv2D(3, strides=2, padding="same", activation="relu6")]),
        "depthwise_2d_dilated": (IMAGE, lambda: [L.DepthwiseConv2D(3, dilation_rate=2, padding="same")]),
        "depthwise_2d_dilated_uneven": (IMAGE, lambda: [L.DepthwiseConv2D(3, dilation_rate=(2, 1))]),
        "depthwise_2d_dilated_strides": (IMAGE, lambda: [L.DepthwiseConv2D(3, strides=2, dilation_rate=2)]),
        "depthwise_2d_dilated_strides_same": (
            IMAGE,
            lambda: [L.DepthwiseConv2D(3, strides=2, dilation_rate=2, padding="same")],
        ),
        "depthwise_2d_one_channel": ((8, 8, 1), lambda: [L.DepthwiseConv2D(3)]),
        "depthwise_2d_one_channel_multiplier": ((8, 8, 1), lambda: [L.DepthwiseConv2D(3, depth_multiplier=4)]),
        "separable_2d": (IMAGE, lambda: [L.SeparableConv2D(6, 3, activation="relu")]),
        "separable_2d_multiplier": (IMAGE, lambda: [L.SeparableConv2D(6, 3, depth_multiplier=2, use_bias=False)]),
        "separable_2d_strides": (IMAGE, lambda: [L.SeparableConv2D(6, 3, strides=2, padding="same")]),
        "separable_2d_dilated": (IMAGE, lambda: [L.SeparableConv2D(6, 3, dilation_rate=2, padding="same")]),
        "separable_2d_dilated_strides": (IMAGE, lambda: [L.SeparableConv2D(6, 2, strides=2, dilation_rate=2)]),
    }


def _rows() -> Chains:
    from keras import layers as L

    return {
        "conv_1d": (SEQUENCE, lambda: [L.Conv1D(7, 3)]),
        "conv_1d_same": (LONG, lambda: [L.Conv1D(7, 4, padding="same", use_bias=False)]),
        "conv_1d_strides": (LONG, lambda: [L.Conv1D(7, 3, strides=3, padding="same", activation="relu")]),
        "conv_1d_strides_valid": (LONG, lambda: [L.Conv1D(7, 3, strides=2)]),
        "conv_1d_causal": (LONG, lambda: [L.Conv1D(7, 3, padding="causal")]),
        "conv_1d_causal_strides": (LONG, lambda: [L.Conv1D(7, 4, strides=2, padding="causal", use_bias=False)]),
        "conv_1d_causal_dilated": (
            LONG,
            lambda: [L.Conv1D(7, 2, dilation_rate=4, padding="causal", activation="tanh")],
        ),
        "conv_1d_causal_1": (LONG, lambda: [L.Conv1D(7, 1, padding="causal")]),
        "conv_1d_dilated": (LONG, lambda: [L.Conv1D(7, 3, dilation_rate=2)]),
        "conv_1d_dilated_same": (LONG, lambda: [L.Conv1D(7, 3, dilation_rate=3, padding="same")]),
        "conv_1d_groups": (LONG, lambda: [L.Conv1D(6, 3, groups=2)]),
        "conv_1d_groups_dilated": (LONG, lambda: [L.Conv1D(6, 3, groups=2, dilation_rate=2, padding="causal")]),
        "conv_1d_softmax": (LONG, lambda: [L.Conv1D(6, 3, activation="softmax")]),
        "conv_1d_p_re_lu": (LONG, lambda: [L.Conv1D(6, 3, activation=L.PReLU())]),
        "conv_1d_gelu": (LONG, lambda: [L.Conv1D(6, 3, activation="gelu")]),
        "depthwise_1d": (LONG, lambda: [L.DepthwiseConv1D(3)]),
        "depthwise_1d_multiplier": (LONG, lambda: [L.DepthwiseConv1D(3, depth_multiplier=2, use_bias=False)]),
        "depthwise_1d_strides": (LONG, lambda: [L.DepthwiseConv1D(3, strides=2, padding="same", activation="relu")]),
        "depthwise_1d_dilated": (LONG, lambda: [L.DepthwiseConv1D(3, dilation_rate=2, padding="same")]),
        "depthwise_1d_dilated_strides": (LONG, lambda: [L.DepthwiseConv1D(3, strides=2, dilation_rate=2)]),
        "separable_1d": (LONG, lambda: [L.SeparableConv1D(6, 3)]),
        "separable_1d_multiplier": (LONG, lambda: [L.SeparableConv1D(6, 3, depth_multiplier=2, use_bias=False)]),
        "separable_1d_strides": (LONG, lambda: [L.SeparableConv1D(6, 3, strides=2, padding="same", activation="relu")]),
        "separable_1d_dilated": (LONG, lambda: [L.SeparableConv1D(6, 3, dilation_rate=2)]),
    }


def _volumes() -> Chains:
    from keras import layers as L

    return {
        "conv_3d": (VOLUME, lambda: [L.Conv3D(3, 2)]),
        "conv_3d_same": (VOLUME, lambda: [L.Conv3D(3, (1, 3, 2), padding="same", use_bias=False)]),
        "conv_3d_strides": (VOLUME, lambda: [L.Conv3D(3, 2, strides=2, activation="relu")]),
        "conv_3d_strides_uneven": (VOLUME, lambda: [L.Conv3D(3, 3, strides=(1, 2, 1), padding="same")]),
        "conv_3d_relu_without_bias": (VOLUME, lambda: [L.Conv3D(3, 2, activation="relu", use_bias=False)]),
        "conv_3d_dilated": (VOLUME, lambda: [L.Conv3D(3, 2, dilation_rate=2, padding="same")]),
        "conv_3d_groups": (VOLUME, lambda: [L.Conv3D(4, 2, groups=2)]),
        "conv_3d_transpose": (VOLUME, lambda: [L.Conv3DTranspose(3, 2)]),
        "conv_3d_transpose_same": (VOLUME, lambda: [L.Conv3DTranspose(3, 3, strides=2, padding="same")]),
        "conv_3d_transpose_relu": (VOLUME, lambda: [L.Conv3DTranspose(3, 2, strides=2, activation="relu")]),
        "conv_3d_transpose_bare": (VOLUME, lambda: [L.Conv3DTranspose(3, 2, use_bias=False)]),
    }


def _transposed() -> Chains:
    from keras import layers as L

    return {
        "conv_2d_transpose": (IMAGE, lambda: [L.Conv2DTranspose(5, 3)]),
        "conv_2d_transpose_same": (IMAGE, lambda: [L.Conv2DTranspose(5, 3, padding="same", use_bias=False)]),
        "conv_2d_transpose_strides": (IMAGE, lambda: [L.Conv2DTranspose(5, 3, strides=2, padding="same")]),
        "conv_2d_transpose_strides_valid": (IMAGE, lambda: [L.Conv2DTranspose(5, 3, strides=2, activation="relu")]),
        "conv_2d_transpose_small_kernel": (IMAGE, lambda: [L.Conv2DTranspose(5, 2, strides=3)]),
        "conv_2d_transpose_uneven": (IMAGE, lambda: [L.Conv2DTranspose(5, (2, 3), strides=(1, 2), padding="same")]),
        "conv_2d_transpose_output_padding": (
            IMAGE,
            lambda: [L.Conv2DTranspose(5, 3, strides=2, padding="same", output_padding=1)],
        ),
        "conv_2d_transpose_output_padding_valid": (
            IMAGE,
            lambda: [L.Conv2DTranspose(5, 3, strides=2, output_padding=(0, 1))],
        ),
        "conv_2d_transpose_tanh": (
            IMAGE,
            lambda: [L.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh")],
        ),
        "conv_1d_transpose": (LONG, lambda: [L.Conv1DTranspose(5, 3)]),
        "conv_1d_transpose_same": (LONG, lambda: [L.Conv1DTranspose(5, 3, strides=2, padding="same")]),
        "conv_1d_transpose_strides": (LONG, lambda: [L.Conv1DTranspose(5, 4, strides=3, activation="relu")]),
        "conv_1d_transpose_bare": (LONG, lambda: [L.Conv1DTranspose(5, 3, use_bias=False, padding="same")]),
        "conv_1d_transpose_output_padding": (LONG, lambda: [L.Conv1DTranspose(5, 3, strides=2, output_padding=1)]),
    }


def _dense() -> Chains:
    from keras import layers as L

    return {
        "dense": (FEATURES, lambda: [L.Dense(3)]),
        "dense_bare": (FEATURES, lambda: [L.Dense(3, use_bias=False, activation="sigmoid")]),
        "dense_sequence": (SEQUENCE, lambda: [L.Dense(3, activation="relu")]),
        "dense_sequence_bare": (SEQUENCE, lambda: [L.Dense(3, use_bias=False)]),
        "dense_sequence_softmax": (SEQUENCE, lambda: [L.Dense(3, activation="softmax")]),
        "dense_sequence_p_re_lu": (SEQUENCE, lambda: [L.Dense(3, activation=L.PReLU())]),
        "dense_image": (IMAGE, lambda: [L.Dense(3, activation="gelu")]),
        "dense_volume": (VOLUME, lambda: [L.Dense(3)]),
        "dense_twice": (SEQUENCE, lambda: [L.Dense(3), L.Dense(4)]),
        "dense_low_rank": (FEATURES, lambda: [L.Dense(3, lora_rank=2)]),
    }


def _channels_first() -> Chains:
    from keras import layers as L

    first = {"data_format": "channels_first"}
    return {
        "first_conv_2d": (IMAGE, lambda: [L.Conv2D(5, 3, **first)]),
        "first_conv_2d_relu": (IMAGE, lambda: [L.Conv2D(5, 3, strides=2, padding="same", activation="relu", **first)]),
        "first_conv_2d_softmax": (IMAGE, lambda: [L.Conv2D(5, 3, activation="softmax", **first)]),
        "first_depthwise_2d": (IMAGE, lambda: [L.DepthwiseConv2D(3, **first)]),
        "first_separable_2d": (IMAGE, lambda: [L.SeparableConv2D(6, 3, **first)]),
        "first_conv_1d": (LONG, lambda: [L.Conv1D(5, 3, **first)]),
        "first_depthwise_1d": (LONG, lambda: [L.DepthwiseConv1D(3, **first)]),
    }


def _normalized() -> Chains:
    from keras import layers as L

    bare = {"use_bias": False}
    return {
        "normalization": (IMAGE, lambda: [L.BatchNormalization()]),
        "normalization_axis_1": (IMAGE, lambda: [L.BatchNormalization(axis=1)]),
        "normalization_axis_2": (IMAGE, lambda: [L.BatchNormalization(axis=-2, center=False)]),
        "normalization_features": (FEATURES, lambda: [L.BatchNormalization(scale=False)]),
        "normalization_sequence": (SEQUENCE, lambda: [L.BatchNormalization()]),
        "normalization_volume": (VOLUME, lambda: [L.BatchNormalization(scale=False, center=False)]),
        "normalization_before": (IMAGE, lambda: [L.BatchNormalization(), L.Conv2D(3, 3), L.ReLU()]),
        "conv_2d_normalized": (IMAGE, lambda: [L.Conv2D(5, 3, **bare), L.BatchNormalization(), L.ReLU()]),
        "conv_2d_relu_normalized": (IMAGE, lambda: [L.Conv2D(5, 3, activation="relu"), L.BatchNormalization()]),
        "conv_1d_normalized": (LONG, lambda: [L.Conv1D(5, 3, **bare), L.BatchNormalization(), L.ReLU()]),
        "conv_1d_causal_normalized": (
            LONG,
            lambda: [L.Conv1D(5, 3, dilation_rate=2, padding="causal"), L.BatchNormalization(), L.ReLU(6)],
        ),
        "depthwise_1d_normalized": (LONG, lambda: [L.DepthwiseConv1D(3, **bare), L.BatchNormalization()]),
        "separable_1d_normalized": (LONG, lambda: [L.SeparableConv1D(5, 3, **bare), L.BatchNormalization(), L.ReLU()]),
        "separable_2d_normalized": (IMAGE, lambda: [L.SeparableConv2D(5, 3, **bare), L.BatchNormalization()]),
        "conv_2d_transpose_normalized": (
            IMAGE,
            lambda: [L.Conv2DTranspose(5, 3, strides=2, **bare), L.BatchNormalization(), L.ReLU()],
        ),
        "conv_2d_transpose_bias_normalized": (
            IMAGE,
            lambda: [L.Conv2DTranspose(5, 3, padding="same"), L.BatchNormalization(scale=False)],
        ),
        "conv_1d_transpose_normalized": (LONG, lambda: [L.Conv1DTranspose(5, 3), L.BatchNormalization(), L.ReLU()]),
        "conv_3d_normalized": (VOLUME, lambda: [L.Conv3D(3, 2, **bare), L.BatchNormalization()]),
        "dense_sequence_normalized": (SEQUENCE, lambda: [L.Dense(3, **bare), L.BatchNormalization(), L.ReLU()]),
        "dense_normalized_axis_1": (SEQUENCE, lambda: [L.Dense(3), L.BatchNormalization(axis=1)]),
        "conv_1d_normalized_axis_1": (LONG, lambda: [L.Conv1D(5, 3), L.BatchNormalization(axis=1)]),
        "first_conv_2d_normalized": (
            IMAGE,
            lambda: [L.Conv2D(5, 3, data_format="channels_first"), L.BatchNormalization(axis=1), L.ReLU()],
        ),
        "conv_1d_flattened_normalized": (LONG, lambda: [L.Conv1D(5, 3), L.Flatten(), L.BatchNormalization()]),
        "conv_1d_then_relu": (LONG, lambda: [L.Conv1D(5, 3), L.ReLU()]),
        "conv_2d_transpose_then_relu": (IMAGE, lambda: [L.Conv2DTranspose(5, 3), L.ReLU()]),
    }
