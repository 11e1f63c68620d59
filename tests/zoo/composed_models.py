"""Whole models, small: the architectures that people quantize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers as L
from keras import ops

IMAGE = (16, 16, 3)


def models() -> dict[str, Callable[[], Any]]:
    """What makes each model, by its name."""
    from tests.zoo import composed_sequences, composed_structures

    own = (
        small_cnn, mobile_net_v1, inverted_residuals, u_net, inception_block, residual_block, pre_activation_residual,
        dense_net_block, xception_block, conv_next_block, squeeze_excite, ghost_block, shuffle_block, auto_encoder,
        variational_decoder, super_resolution, pixel_shuffle, pyramid_pooling, feature_pyramid, detector,
        segmentation, normalization_orders, normalization_read_twice, group_normalized, volumes, stochastic_depth,
    )  # fmt: skip
    found = {make.__name__: make for make in own}
    return {**found, **composed_sequences.models(), **composed_structures.models()}


def _conv(value: Any, filters: int, kernel: int = 3, activation: Any = "relu", **config: Any) -> Any:
    """Convolution, batch normalization, activation."""
    value = L.Conv2D(filters, kernel, padding="same", use_bias=False, **config)(value)
    value = L.BatchNormalization()(value)
    return value if activation is None else L.Activation(activation)(value)


def _depthwise(value: Any, kernel: int = 3, activation: Any = "relu", **config: Any) -> Any:
    value = L.DepthwiseConv2D(kernel, padding="same", use_bias=False, **config)(value)
    return L.Activation(activation)(L.BatchNormalization()(value))


def _head(value: Any, classes: int = 5) -> Any:
    return L.Dense(classes, activation="softmax")(L.GlobalAveragePooling2D()(value))


# ---- classifiers


def small_cnn() -> Any:
    """Convolutions, pooling, dropout, two dense layers, Sequential."""
    stack = [keras.Input(IMAGE), L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(), L.Conv2D(16, 3), L.ReLU(6.0)]
    return keras.Sequential([*stack, L.Flatten(), L.Dropout(0.3), L.Dense(16, "relu"), L.Dense(5, "softmax")])


def mobile_net_v1() -> Any:
    """Depthwise separable blocks (Howard et al. 2017)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 8, strides=2, activation="relu6")
    for filters, strides in ((8, 1), (16, 2), (16, 1)):
        value = _conv(_depthwise(value, activation="relu6", strides=strides), filters, 1, activation="relu6")
    return keras.Model(image, _head(value))


def inverted_residuals() -> Any:
    """Inverted residuals with squeeze-and-excitation and hard-swish (MobileNetV3, Howard et al. 2019)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 8, strides=2, activation="hard_swish")
    for activation, squeezed in (("relu", True), ("hard_swish", True), ("hard_swish", False)):
        wide = _depthwise(_conv(value, 24, 1, activation=activation), activation=activation)
        if squeezed:
            gate = L.GlobalAveragePooling2D(keepdims=True)(wide)
            gate = L.Conv2D(24, 1, activation="hard_sigmoid")(L.Conv2D(8, 1, activation="relu")(gate))
            wide = L.Multiply()([wide, gate])
        value = L.Add()([value, _conv(wide, 8, 1, activation=None)])
    return keras.Model(image, _head(_conv(value, 16, 1, activation="hard_swish")))


def inception_block() -> Any:
    """Four branches side by side (Szegedy et al. 2015)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 8)
    branches = [
        _conv(value, 6, 1),
        _conv(_conv(value, 4, 1), 6),
        _conv(_conv(_conv(value, 4, 1), 6), 6),
        _conv(L.AveragePooling2D(3, 1, padding="same")(value), 4, 1),
    ]
    return keras.Model(image, _head(L.Concatenate()(branches)))


def residual_block() -> Any:
    """Two residual blocks, one of which halves the image (ResNet, He et al. 2016)."""
    image = keras.Input(IMAGE)
    value = L.MaxPooling2D(3, 2, padding="same")(_conv(image, 8, 7))
    value = L.ReLU()(L.Add()([value, _conv(_conv(value, 8), 8, activation=None)]))
    short = _conv(value, 16, 1, activation=None, strides=2)
    value = L.ReLU()(L.Add()([short, _conv(_conv(value, 16, strides=2), 16, activation=None)]))
    return keras.Model(image, _head(value))


def pre_activation_residual() -> Any:
    """Normalization and ReLU before each convolution (ResNet V2)."""
    image = keras.Input(IMAGE)
    value = L.Conv2D(8, 3, padding="same")(image)
    for _ in range(2):
        branch = L.Conv2D(8, 3, padding="same")(L.ReLU()(L.BatchNormalization()(value)))
        branch = L.Conv2D(8, 3, padding="same")(L.ReLU()(L.BatchNormalization()(branch)))
        value = L.Add()([value, branch])
    return keras.Model(image, _head(L.ReLU()(L.BatchNormalization()(value))))


def dense_net_block() -> Any:
    """Each layer reads all before it (Huang et al. 2017), then a transition."""
    image = keras.Input(IMAGE)
    value = L.Conv2D(8, 3, padding="same")(image)
    for _ in range(3):
        branch = L.Conv2D(16, 1, use_bias=False)(L.ReLU()(L.BatchNormalization()(value)))
        branch = L.Conv2D(4, 3, padding="same", use_bias=False)(L.ReLU()(L.BatchNormalization()(branch)))
        value = L.Concatenate()([value, branch])
    value = L.AveragePooling2D(2)(L.Conv2D(10, 1)(L.ReLU()(L.BatchNormalization()(value))))
    return keras.Model(image, _head(value))


def xception_block() -> Any:
    """Separable convolutions beside a strided shortcut (Chollet 2017)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 8)
    short = _conv(value, 16, 1, activation=None, strides=2)
    for filters in (12, 16):
        value = L.SeparableConv2D(filters, 3, padding="same", use_bias=False)(L.ReLU()(value))
        value = L.BatchNormalization()(value)
    value = L.Add()([L.MaxPooling2D(3, 2, padding="same")(value), short])
    return keras.Model(image, _head(value))


def conv_next_block() -> Any:
    """Depthwise 7x7, LayerNormalization, GELU, a learned scale and a shortcut (Liu et al. 2022)."""
    image = keras.Input(IMAGE)
    value = L.LayerNormalization()(L.Conv2D(12, 4, strides=4)(image))
    branch = L.LayerNormalization()(L.DepthwiseConv2D(7, padding="same")(value))
    branch = L.Dense(12)(L.Dense(24, activation="gelu")(branch))
    value = L.Add()([value, L.Rescaling(0.5)(branch)])
    return keras.Model(image, L.Dense(5)(L.LayerNormalization()(L.GlobalAveragePooling2D()(value))))


def squeeze_excite() -> Any:
    """A gate for each channel, by Dense and Reshape, with SiLU (EfficientNet)."""
    image = keras.Input(IMAGE)
    value = _depthwise(_conv(image, 12, activation="silu"), 5, activation="silu")
    gate = L.Reshape((1, 1, 12))(L.GlobalAveragePooling2D()(value))
    gate = L.Dense(12, activation="sigmoid")(L.Dense(4, activation="silu")(gate))
    return keras.Model(image, _head(L.Dropout(0.1)(_conv(L.Multiply()([value, gate]), 8, 1, activation=None))))


def ghost_block() -> Any:
    """Half of the channels made from the other half by a cheap convolution (GhostNet)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 8)
    value = L.Concatenate()([value, _depthwise(value)])
    return keras.Model(image, _head(_conv(value, 8, 1)))


def shuffle_block() -> Any:
    """Grouped convolutions whose channels are shuffled between (ShuffleNet)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 12)
    value = _conv(value, 12, 1, groups=3)
    value = L.Reshape((16, 16, 3, 4))(value)
    value = L.Reshape((16, 16, 12))(L.Permute((1, 2, 4, 3))(value))
    return keras.Model(image, _head(L.Add()([_conv(value, 12, groups=3, activation=None), value])))


# ---- images from images


def u_net() -> Any:
    """Down, up again, and what was left on the way beside it (Ronneberger et al. 2015)."""
    image = keras.Input(IMAGE)
    first = _conv(image, 8)
    second = _conv(L.MaxPooling2D()(first), 12)
    value = _conv(L.MaxPooling2D()(second), 16)
    value = L.Conv2DTranspose(12, 2, strides=2, activation="relu")(value)
    value = _conv(L.Concatenate()([value, second]), 12)
    value = L.UpSampling2D(2, interpolation="bilinear")(value)
    value = _conv(L.Concatenate()([value, first]), 8)
    return keras.Model(image, L.Conv2D(1, 1, activation="sigmoid")(value))


def auto_encoder() -> Any:
    """Strided convolutions down, transposed ones up."""
    image = keras.Input(IMAGE)
    value = L.Conv2D(8, 3, strides=2, padding="same", activation="elu")(image)
    value = L.Conv2D(12, 3, strides=2, padding="same", activation="leaky_relu")(value)
    value = L.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(value)
    value = L.BatchNormalization()(L.Conv2DTranspose(8, 3, strides=2, padding="same")(value))
    return keras.Model(image, L.Conv2D(3, 3, padding="same", activation="tanh")(L.ReLU()(value)))


def variational_decoder() -> Any:
    """From a vector to an image."""
    code = keras.Input((6,))
    value = L.Reshape((4, 4, 4))(L.Dense(64, activation="relu")(code))
    value = L.Conv2DTranspose(6, 4, strides=2, padding="same", use_bias=False)(value)
    value = L.ReLU()(L.BatchNormalization()(value))
    return keras.Model(code, L.Conv2DTranspose(1, 5, strides=1, padding="same", activation="sigmoid")(value))


def super_resolution() -> Any:
    """The image enlarged, and what a network adds to it."""
    image = keras.Input((8, 8, 3))
    large = L.Resizing(16, 16, interpolation="bilinear")(image)
    value = _conv(_conv(image, 8), 8)
    value = L.UpSampling2D(2, interpolation="nearest")(value)
    return keras.Model(image, L.Add()([large, L.Conv2D(3, 3, padding="same")(value)]))


def pixel_shuffle() -> Any:
    """Channels become pixels by reshape and transpose (Shi et al. 2016)."""
    image = keras.Input((8, 8, 3))
    value = L.Conv2D(12, 3, padding="same")(_conv(image, 8))
    value = ops.reshape(value, (-1, 8, 8, 2, 2, 3))
    value = ops.transpose(value, (0, 1, 3, 2, 4, 5))
    return keras.Model(image, ops.clip(ops.reshape(value, (-1, 16, 16, 3)), -1.0, 1.0))


def pyramid_pooling() -> Any:
    """Means over windows of several sizes, enlarged again (PSPNet); atrous convolutions beside (DeepLab)."""
    image = keras.Input(IMAGE)
    value = _conv(image, 8)
    branches = [value]
    for size in (2, 4, 8):
        pooled = L.Conv2D(4, 1, activation="relu")(L.AveragePooling2D(size)(value))
        branches.append(L.UpSampling2D(size, interpolation="nearest")(pooled))
    branches += [_conv(value, 4, dilation_rate=rate) for rate in (2, 3)]
    return keras.Model(image, L.Conv2D(4, 1)(L.Concatenate()(branches)))


def feature_pyramid() -> Any:
    """Features of several sizes, each added to the next (Lin et al. 2017); several outputs."""
    image = keras.Input(IMAGE)
    first = _conv(image, 8)
    second = _conv(first, 12, strides=2)
    third = _conv(second, 16, strides=2)
    top = L.Conv2D(8, 1)(third)
    middle = L.Add()([L.UpSampling2D(2)(top), L.Conv2D(8, 1)(second)])
    bottom = L.Add()([L.UpSampling2D(2)(middle), L.Conv2D(8, 1)(first)])
    return keras.Model(image, [L.Conv2D(8, 3, padding="same")(each) for each in (bottom, middle, top)])


def detector() -> Any:
    """Boxes and classes of two feature maps through shared heads, joined (SSD)."""
    image = keras.Input(IMAGE)
    first = _conv(image, 8, strides=2)
    second = _conv(first, 8, strides=2)
    boxes, classes = L.Conv2D(8, 3, padding="same", name="boxes"), L.Conv2D(6, 3, padding="same", name="classes")
    places = L.Concatenate(axis=1)([L.Reshape((-1, 4))(boxes(each)) for each in (first, second)])
    kinds = L.Concatenate(axis=1)([L.Reshape((-1, 3))(classes(each)) for each in (first, second)])
    return keras.Model(image, {"places": places, "kinds": L.Activation("sigmoid", name="scores")(kinds)})


def segmentation() -> Any:
    """A class for each pixel, from features resized to the image's size."""
    image = keras.Input(IMAGE)
    low = _conv(image, 8, strides=2, activation="relu6")
    high = _conv(_depthwise(low, strides=2, activation="relu6"), 12, 1, activation="relu6")
    gate = L.Activation("hard_sigmoid")(L.Conv2D(12, 1)(L.GlobalAveragePooling2D(keepdims=True)(high)))
    high = L.Resizing(8, 8, interpolation="bilinear")(L.Multiply()([high, gate]))
    value = L.Add()([L.Conv2D(4, 1)(high), L.Conv2D(4, 1)(low)])
    return keras.Model(image, L.Softmax()(L.Resizing(16, 16, interpolation="bilinear")(value)))


# ---- normalization


def normalization_orders() -> Any:
    """Batch normalization before, behind, behind the ReLU, twice, and behind a pooling."""
    image = keras.Input(IMAGE)
    value = L.BatchNormalization()(image)
    value = L.BatchNormalization()(L.ReLU()(L.Conv2D(8, 3)(value)))
    value = L.BatchNormalization()(L.BatchNormalization()(L.DepthwiseConv2D(3)(value)))
    value = L.BatchNormalization()(L.MaxPooling2D()(value))
    value = L.ReLU()(L.BatchNormalization(scale=False)(L.Conv2D(8, 1, activation="tanh")(value)))
    value = L.BatchNormalization(center=False)(L.Dense(6)(L.Flatten()(value)))
    return keras.Model(image, L.Dense(4)(L.Activation("sigmoid")(value)))


def normalization_read_twice() -> Any:
    """A convolution read by its normalization and another layer; a shared normalization."""
    image = keras.Input(IMAGE)
    plain = L.Conv2D(8, 3, padding="same")(image)
    shared = L.BatchNormalization()
    value = L.Add()([L.ReLU()(shared(plain)), plain])
    value = L.Concatenate()([shared(L.Conv2D(8, 1)(value)), shared(value)])
    return keras.Model(image, _head(value))


def group_normalized() -> Any:
    """GroupNormalization, LayerNormalization and UnitNormalization in one network."""
    image = keras.Input(IMAGE)
    value = L.Activation("silu")(L.GroupNormalization(4)(L.Conv2D(8, 3, padding="same")(image)))
    value = L.Activation("gelu")(L.LayerNormalization()(L.Conv2D(8, 3, strides=2)(value)))
    return keras.Model(image, L.UnitNormalization()(L.Dense(6)(L.GlobalAveragePooling2D()(value))))


def volumes() -> Any:
    """Convolutions of three dimensions, which LiteRT computes in float, with pooling and a head in integers."""
    volume = keras.Input((8, 8, 8, 2))
    value = L.MaxPooling3D()(L.Conv3D(4, 3, padding="same", activation="relu")(volume))
    value = L.ReLU()(L.BatchNormalization()(L.Conv3D(6, 3, padding="same", use_bias=False)(value)))
    return keras.Model(volume, L.Dense(3)(L.GlobalAveragePooling3D()(value)))


def stochastic_depth() -> Any:
    """Dropout and noise everywhere, which are nothing at inference."""
    image = keras.Input(IMAGE)
    value = L.GaussianNoise(0.1)(L.RandomFlip()(image))
    value = L.SpatialDropout2D(0.2)(_conv(value, 8))
    branch = L.Dropout(0.5, noise_shape=(None, 1, 1, 1))(_conv(value, 8))
    value = L.AlphaDropout(0.1)(L.Add()([value, branch]))
    return keras.Model(image, _head(L.ActivityRegularization(1e-3)(value)))
