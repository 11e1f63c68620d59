"""Small Keras models: every supported class and activation alone, and what they are composed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

IMAGE = (8, 8, 4)
FEATURES = (6,)
SEQUENCE = (5, 6)

ACTIVATIONS = (
    "relu", "relu6", "hard_tanh", "sigmoid", "tanh", "elu", "exponential", "log_softmax", "softmax", "gelu", "silu",
    "hard_silu", "hard_sigmoid", "leaky_relu", "linear",
)  # fmt: skip


def single_layers() -> dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]]:
    """Input shape and layers (a chain) by name."""
    from keras import layers as L

    zoo: dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]] = {
        "conv": (IMAGE, lambda: [L.Conv2D(5, 3)]),
        "conv_same_stride": (IMAGE, lambda: [L.Conv2D(5, 3, strides=2, padding="same", use_bias=False)]),
        "conv_rectangular": (IMAGE, lambda: [L.Conv2D(5, (1, 3), strides=(2, 1), padding="same")]),
        "conv_dilated": (IMAGE, lambda: [L.Conv2D(5, 3, dilation_rate=2)]),
        "conv_grouped": (IMAGE, lambda: [L.Conv2D(6, 3, groups=2)]),
        "depthwise": (IMAGE, lambda: [L.DepthwiseConv2D(3)]),
        "depthwise_multiplier": (IMAGE, lambda: [L.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")]),
        "depthwise_dilated": (IMAGE, lambda: [L.DepthwiseConv2D(3, dilation_rate=(2, 1))]),
        "depthwise_relu": (IMAGE, lambda: [L.DepthwiseConv2D(3, activation="relu6", use_bias=False)]),
        "separable": (IMAGE, lambda: [L.SeparableConv2D(6, 3, activation="relu")]),
        "separable_multiplier": (IMAGE, lambda: [L.SeparableConv2D(6, 3, depth_multiplier=2, use_bias=False)]),
        "dense": (FEATURES, lambda: [L.Dense(3)]),
        "dense_without_bias": (FEATURES, lambda: [L.Dense(3, use_bias=False)]),
        "dense_sequence": (SEQUENCE, lambda: [L.Dense(3, activation="relu")]),
        "dense_image": (IMAGE, lambda: [L.Dense(3, use_bias=False)]),
        "batch_normalization": (IMAGE, lambda: [L.BatchNormalization()]),
        "batch_normalization_axis": (IMAGE, lambda: [L.BatchNormalization(axis=1)]),
        "batch_normalization_bare": (FEATURES, lambda: [L.BatchNormalization(scale=False, center=False)]),
        "rescaling": (IMAGE, lambda: [L.Rescaling(1 / 127.5, offset=-1.0)]),
        "rescaling_scale": (IMAGE, lambda: [L.Rescaling(1 / 255)]),
        "rescaling_offset": (IMAGE, lambda: [L.Rescaling(1.0, offset=2.0)]),
        "rescaling_nothing": (IMAGE, lambda: [L.Rescaling(1.0), L.ReLU()]),
        "rescaling_channels": (IMAGE, lambda: [L.Rescaling([1.5, 2.0, 3.0, 4.0], offset=[1.0, 2.0, 3.0, 5.0])]),
        "re_lu": (IMAGE, lambda: [L.ReLU()]),
        "re_lu_6": (IMAGE, lambda: [L.ReLU(6)]),
        "re_lu_slope": (IMAGE, lambda: [L.ReLU(negative_slope=0.1)]),
        "leaky_re_lu": (IMAGE, lambda: [L.LeakyReLU(negative_slope=0.3)]),
        "p_re_lu": (IMAGE, lambda: [L.PReLU()]),
        "p_re_lu_shared": (IMAGE, lambda: [L.PReLU(shared_axes=[1, 2])]),
        "elu": (IMAGE, lambda: [L.ELU()]),
        "softmax": (IMAGE, lambda: [L.Softmax()]),
        "max_pooling": (IMAGE, lambda: [L.MaxPooling2D()]),
        "max_pooling_same": (IMAGE, lambda: [L.MaxPooling2D((3, 2), (2, 1), padding="same")]),
        "average_pooling": (IMAGE, lambda: [L.AveragePooling2D(3, 2, padding="same")]),
        "global_average": (IMAGE, lambda: [L.GlobalAveragePooling2D()]),
        "global_average_kept": (IMAGE, lambda: [L.GlobalAveragePooling2D(keepdims=True)]),
        "global_average_pixel": ((1, 1, 4), lambda: [L.GlobalAveragePooling2D()]),
        "global_average_pixel_kept": ((1, 1, 4), lambda: [L.GlobalAveragePooling2D(keepdims=True), L.ReLU()]),
        "global_average_1d": (SEQUENCE, lambda: [L.GlobalAveragePooling1D()]),
        "global_average_3d": ((2, 3, 4, 5), lambda: [L.GlobalAveragePooling3D()]),
        "global_max": (IMAGE, lambda: [L.GlobalMaxPooling2D()]),
        "global_max_1d_kept": (SEQUENCE, lambda: [L.GlobalMaxPooling1D(keepdims=True)]),
        "global_max_3d": ((2, 3, 4, 5), lambda: [L.GlobalMaxPooling3D()]),
        "zero_padding": (IMAGE, lambda: [L.ZeroPadding2D(((0, 1), (2, 3)))]),
        "zero_padding_nothing": (IMAGE, lambda: [L.ZeroPadding2D(0), L.ReLU()]),
        "zero_padding_1d": (SEQUENCE, lambda: [L.ZeroPadding1D(1)]),
        "cropping": (IMAGE, lambda: [L.Cropping2D(((1, 0), (2, 3)))]),
        "cropping_nothing": (IMAGE, lambda: [L.Cropping2D(0)]),
        "cropping_1d": (SEQUENCE, lambda: [L.Cropping1D((1, 2))]),
        "up_sampling": (IMAGE, lambda: [L.UpSampling2D((3, 2), interpolation="bilinear")]),
        "flatten": (IMAGE, lambda: [L.Flatten()]),
        "flatten_nothing": (FEATURES, lambda: [L.Flatten(), L.ReLU()]),
        "reshape": (IMAGE, lambda: [L.Reshape((4, -1))]),
        "reshape_nothing": (IMAGE, lambda: [L.Reshape((8, 8, 4)), L.ReLU()]),
        "permute": (IMAGE, lambda: [L.Permute((3, 1, 2))]),
        "permute_units": ((1, 8, 4), lambda: [L.Permute((2, 1, 3))]),
        "permute_nothing": (IMAGE, lambda: [L.Permute((1, 2, 3)), L.ReLU()]),
        "dropout": (IMAGE, lambda: [L.Dropout(0.1), L.SpatialDropout2D(0.1), L.ReLU()]),
        "noise": (IMAGE, lambda: [L.GaussianNoise(0.1), L.GaussianDropout(0.1), L.AlphaDropout(0.1), L.ReLU()]),
        "identity": (IMAGE, lambda: [L.Identity(), L.ActivityRegularization(0.1), L.Activation("linear"), L.ReLU()]),
        "augmentation": (IMAGE, lambda: [L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.ReLU()]),
        "augmentation_colour": (IMAGE, lambda: [L.RandomContrast(0.1), L.RandomBrightness(0.1), L.ReLU()]),
        "augmentation_shift": (IMAGE, lambda: [L.RandomTranslation(0.1, 0.1), L.ReLU()]),
    }
    for name in ACTIVATIONS:
        zoo[f"activation_{name}"] = (IMAGE, lambda name=name: [L.Activation(name), L.MaxPooling2D()])
        zoo[f"conv_{name}"] = (IMAGE, lambda name=name: [L.Conv2D(3, 3, activation=name)])
        zoo[f"dense_{name}"] = (FEATURES, lambda name=name: [L.Dense(3, activation=name)])
    for name, layer in fused_behind().items():
        zoo[f"{name}_then_relu"] = (IMAGE, lambda layer=layer: [layer(), L.ReLU()])
    return zoo


def fused_behind() -> dict[str, Callable[[], Any]]:
    """Layers with a ReLU behind: some take it, some do not."""
    from keras import layers as L

    return {
        "conv": lambda: L.Conv2D(3, 3),
        "depthwise": lambda: L.DepthwiseConv2D(3),
        "separable": lambda: L.SeparableConv2D(3, 3),
        "dense": lambda: L.Dense(3),
        "max_pooling": lambda: L.MaxPooling2D(),
        "average_pooling": lambda: L.AveragePooling2D(2),
        "global_average": lambda: L.GlobalAveragePooling2D(),
        "batch_normalization": lambda: L.BatchNormalization(),
        "rescaling": lambda: L.Rescaling(2.0),
        "zero_padding": lambda: L.ZeroPadding2D(1),
        "up_sampling": lambda: L.UpSampling2D(2, interpolation="bilinear"),
        "leaky_re_lu": lambda: L.LeakyReLU(),
    }


def chain(shape: tuple[int, ...], layers: list[Any]) -> Any:
    """A model of layers one behind the other."""
    import keras

    inputs = keras.Input(shape)
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def composed() -> dict[str, Callable[[], Any]]:
    """Builders of whole models by name."""
    return {
        function.__name__.removeprefix("_"): function
        for function in (
            _small_cnn, _sequential_cnn, _mlp, _mobile_block, _residual, _pre_activation, _squeeze_excite, _inception,
            _twice_the_same, _padded, _padded_branches, _shared_layer, _shared_with_normalization,
            _shared_with_two_normalizations, _nested, _nested_twice, _several_inputs, _dictionaries, _merges,
            _broadcasts, _normalization_reused, _convolution_reused, _dropped_between, _dense_normalized, _reshapes,
            _relu_twice, _activation_is_output, _unused_branch, _hard_swish_block, _separable_normalized,
        )
    }  # fmt: skip


def _small_cnn() -> Any:
    from keras import layers as L

    convolution = [L.Conv2D(8, 3, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU()]
    head = [L.MaxPooling2D(), L.Dropout(0.2), L.Flatten(), L.Dense(10, activation="softmax")]
    return chain(IMAGE, [*convolution, L.DepthwiseConv2D(3), L.BatchNormalization(), L.ReLU(6), *head])


def _sequential_cnn() -> Any:
    import keras
    from keras import layers as L

    head = keras.Sequential([L.Flatten(), L.Dense(10)], name="head")
    return keras.Sequential([keras.Input(IMAGE), L.Rescaling(1 / 255), L.Conv2D(4, 3, activation="relu"), head])


def _mlp() -> Any:
    from keras import layers as L

    return chain(FEATURES, [L.Dense(8), L.BatchNormalization(), L.ReLU(), L.Dense(8, activation="gelu"), L.Dense(2)])


def _mobile_block() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    x = L.ReLU(6)(L.BatchNormalization()(L.Conv2D(16, 1, use_bias=False)(inputs)))
    x = L.ReLU(6)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)))
    x = L.BatchNormalization()(L.Conv2D(4, 1, use_bias=False)(x))
    return keras.Model(inputs, L.Add()([inputs, x]))


def _residual() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    shortcut = L.BatchNormalization()(L.Conv2D(8, 1)(inputs))
    x = L.Activation("relu")(L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(inputs)))
    return keras.Model(inputs, L.Activation("relu")(L.Add()([shortcut, x])))


def _pre_activation() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    pre = L.Activation("relu")(L.BatchNormalization()(inputs))
    return keras.Model(inputs, L.Add()([L.Conv2D(8, 1)(pre), L.Conv2D(8, 3, padding="same")(pre)]))


def _squeeze_excite() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    x = L.Reshape((1, 1, 4))(L.GlobalAveragePooling2D()(inputs))
    x = L.Conv2D(4, 1, activation="sigmoid")(L.Conv2D(2, 1, activation="silu")(x))
    return keras.Model(inputs, L.Multiply()([inputs, x]))


def _inception() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    branches = [
        L.Conv2D(2, 1, activation="relu")(inputs),
        L.Conv2D(3, 3, padding="same", activation="relu")(inputs),
        L.Conv2D(2, 1)(L.MaxPooling2D(3, 1, padding="same")(inputs)),
    ]
    return keras.Model(inputs, L.ReLU()(L.Concatenate()(branches)))


def _twice_the_same() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    left, right = L.AveragePooling2D(2)(inputs), L.AveragePooling2D(2)(inputs)
    others = L.Concatenate()([L.Activation("relu")(inputs), L.ReLU()(inputs)])
    return keras.Model(inputs, [L.Add()([left, right]), others])


def _padded() -> Any:
    from keras import layers as L

    wide = [L.ZeroPadding2D(3), L.Conv2D(4, 7, strides=2), L.ZeroPadding2D(1), L.MaxPooling2D(3, 2)]
    same = [L.ZeroPadding2D(1), L.Conv2D(4, 3), L.ZeroPadding2D(((0, 1), (0, 1))), L.DepthwiseConv2D(3, strides=2)]
    return chain((15, 15, 4), [*wide, *same])


def _padded_branches() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    shared = L.ZeroPadding2D(1)(inputs)
    return keras.Model(inputs, [L.Conv2D(3, 3)(shared), L.DepthwiseConv2D(3)(shared)])


def _shared_layer() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    convolution = L.Conv2D(4, 3, padding="same", activation="relu")
    return keras.Model(inputs, convolution(convolution(inputs)))


def _shared_with_normalization() -> Any:
    import keras
    from keras import layers as L

    left, right = keras.Input(IMAGE), keras.Input(IMAGE)
    convolution, normalization = L.Conv2D(4, 3), L.BatchNormalization()
    return keras.Model([left, right], [normalization(convolution(left)), L.ReLU()(normalization(convolution(right)))])


def _shared_with_two_normalizations() -> Any:
    import keras
    from keras import layers as L

    left, right = keras.Input(IMAGE), keras.Input(IMAGE)
    convolution = L.Conv2D(4, 3)
    return keras.Model(
        [left, right], [L.BatchNormalization()(convolution(left)), L.BatchNormalization()(convolution(right))]
    )


def _nested() -> Any:
    import keras
    from keras import layers as L

    inner_inputs = keras.Input((6, 6, 5))
    inner = keras.Model(inner_inputs, L.ReLU()(L.BatchNormalization()(inner_inputs)), name="inner")
    middle = keras.Sequential([L.Conv2D(5, 3), inner, L.Dropout(0.1)], name="middle")
    inputs = keras.Input(IMAGE)
    return keras.Model(inputs, L.GlobalAveragePooling2D()(middle(inputs)))


def _nested_twice() -> Any:
    import keras
    from keras import layers as L

    block_inputs = keras.Input(FEATURES)
    hidden = L.Dense(6, activation="relu")(block_inputs)
    block = keras.Model(block_inputs, [hidden, L.Dense(6)(hidden)], name="block")
    inputs = keras.Input(FEATURES)
    first = block(inputs)
    second = block(first[1])
    return keras.Model(inputs, [second[0], L.Add()([first[0], second[1]])])


def _several_inputs() -> Any:
    import keras
    from keras import layers as L

    image, features = keras.Input(IMAGE, name="z_image"), keras.Input(FEATURES, name="a_features")
    x = L.Concatenate()([L.Flatten()(image), features])
    return keras.Model([image, features], [L.Dense(2, name="a")(x), L.Dense(3, name="b", activation="softmax")(x)])


def _dictionaries() -> Any:
    import keras
    from keras import layers as L

    image, features = keras.Input(IMAGE, name="z"), keras.Input(FEATURES, name="a")
    x = L.Concatenate()([L.GlobalMaxPooling2D()(image), features])
    return keras.Model({"z": image, "a": features}, {"y": L.Dense(2)(x), "b": L.Dense(3)(x)})


def _merges() -> Any:
    import keras
    from keras import layers as L

    inputs = [keras.Input(IMAGE) for _ in range(3)]
    kinds = (L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate)
    return keras.Model(
        inputs,
        [L.ReLU()(kind()(inputs)) for kind in kinds] + [L.ReLU(6)(L.Subtract()(inputs[:2])), L.Subtract()(inputs[1:])],
    )


def _broadcasts() -> Any:
    import keras
    from keras import layers as L

    image, column, channels = keras.Input(IMAGE), keras.Input((8, 1, 1)), keras.Input((1, 1, 4))
    return keras.Model([image, column, channels], [L.Multiply()([image, channels]), L.Add()([column, channels])])


def _normalization_reused() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    normalization = L.BatchNormalization()
    return keras.Model(inputs, L.Add()([normalization(L.Conv2D(4, 1)(inputs)), normalization(inputs)]))


def _convolution_reused() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    convolved = L.Conv2D(4, 1)(inputs)
    return keras.Model(inputs, L.Add()([L.BatchNormalization()(convolved), L.ReLU()(convolved)]))


def _dropped_between() -> Any:
    from keras import layers as L

    return chain(IMAGE, [L.Conv2D(4, 3), L.Dropout(0.1), L.BatchNormalization(), L.Identity(), L.ReLU()])


def _dense_normalized() -> Any:
    from keras import layers as L

    return chain(SEQUENCE, [L.Dense(4, use_bias=False), L.BatchNormalization(), L.ReLU(), L.Flatten(), L.Dense(2)])


def _reshapes() -> Any:
    from keras import layers as L

    return chain(IMAGE, [L.Reshape((8, 32)), L.Reshape((16, 16)), L.Permute((2, 1)), L.Flatten(), L.ReLU()])


def _relu_twice() -> Any:
    from keras import layers as L

    return chain(IMAGE, [L.Conv2D(4, 3), L.ReLU(), L.ReLU(6)])


def _activation_is_output() -> Any:
    import keras
    from keras import layers as L

    inputs = keras.Input(IMAGE)
    convolved = L.Conv2D(4, 3)(inputs)
    return keras.Model(inputs, [convolved, L.ReLU()(convolved)])


def _unused_branch() -> Any:
    import keras
    from keras import layers as L

    block_inputs = keras.Input(FEATURES)
    block = keras.Model(block_inputs, [L.Dense(3)(block_inputs), L.Dense(4)(block_inputs)], name="block")
    inputs = keras.Input(FEATURES)
    return keras.Model(inputs, L.ReLU()(block(inputs)[0]))


def _hard_swish_block() -> Any:
    from keras import layers as L

    return chain(IMAGE, [L.Conv2D(4, 3), L.BatchNormalization(), L.Activation("hard_silu"), L.Conv2D(4, 1)])


def _separable_normalized() -> Any:
    from keras import layers as L

    return chain(IMAGE, [L.SeparableConv2D(6, 3, padding="same"), L.BatchNormalization(), L.ReLU()])
