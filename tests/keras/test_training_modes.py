"""Training as people do it: compiled by XLA, by a loop of their own, in half precision, with layers of every habit."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import qspec
from qspec.graph.ops import Op
from qspec.keras.execution.mixed_precision import product_in_half
from tests.keras import models
from tests.keras.test_learned_ranges import LEARNED, small_model, stripes
from tests.keras.test_whole_way import INTEGER_EDGES, inputs_of, settled

TRACKED = LEARNED + "train { batch_norm = track, freeze_ranges_after = steps(100) }\n"


def fitted(text, model, images, labels, **how):
    keras.utils.set_random_seed(0)
    quantized = qspec.apply(qspec.loads(text), model, calibration=images)
    quantized.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"], **how)
    history = quantized.fit(images, labels, epochs=6, shuffle=False, verbose=0).history
    return quantized, history


def test_xla_computes_the_step_that_ops_one_by_one_do():
    model = settled(small_model)
    images, labels = stripes(32)
    trained = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        quantized = qspec.apply(qspec.loads(TRACKED), model, calibration=images)
        quantized.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", jit_compile=jit_compile)
        quantized.fit(images, labels, batch_size=32, verbose=0)
        trained.append(quantized.variables)

    for one, two in zip(*trained, strict=True):
        assert np.allclose(one, two, rtol=1e-3, atol=1e-4), one.path


def test_a_loop_of_ones_own_is_fit(tmp_path):
    model = settled(small_model)
    images, labels = stripes()
    expected, _ = fitted(TRACKED, model, images, labels, jit_compile=False)
    keras.utils.set_random_seed(0)
    quantized = qspec.apply(qspec.loads(TRACKED), model, calibration=images)
    optimizer, loss = keras.optimizers.SGD(0.05), keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def step(batch, targets):
        with tf.GradientTape() as tape:
            total = loss(targets, quantized(batch, training=True)) + sum(quantized.losses)
        optimizer.apply(tape.gradient(total, quantized.trainable_variables), quantized.trainable_variables)

    for _ in range(6):
        for start in range(0, len(images), 32):
            step(images[start : start + 32], labels[start : start + 32])

    for one, two in zip(expected.variables, quantized.variables, strict=True):
        if "epochs" not in one.path:
            assert np.allclose(one, two, rtol=1e-3, atol=1e-4), one.path
    assert qspec.export(quantized, tmp_path / "m.tflite", samples=images).parity.largest <= 1


def test_a_users_own_network_learns_and_is_deployed(tmp_path):
    """From initialization, with dropout, regularizers and a frozen stem, on what can be learned."""
    image = keras.Input((12, 12, 3), name="picture")
    value = layers.Conv2D(8, 3, use_bias=False, kernel_regularizer="l2", name="stem")(image)
    value = layers.Activation("swish")(layers.BatchNormalization()(value))
    value = layers.DepthwiseConv2D(3, activity_regularizer=keras.regularizers.L2(1e-4))(value)
    value = layers.ReLU()(layers.BatchNormalization()(value))
    value = layers.SpatialDropout2D(0.1)(layers.AveragePooling2D(2)(value))
    value = layers.Dropout(0.2, seed=3)(layers.Flatten()(value))
    keras.utils.set_random_seed(0)
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="kind")(value))
    model.get_layer("stem").trainable = False
    images, labels = stripes(192)
    text = INTEGER_EDGES + "train { batch_norm = track }\n"

    quantized = qspec.apply(qspec.loads(text), model, calibration=images)
    quantized.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    quantized.fit(images, labels, epochs=15, verbose=0)

    model(images), quantized(images)
    assert len(quantized.losses) == len(model.losses) == 1  # that of activity; the stem has none while it is frozen
    others, kinds = stripes(96, seed=1)
    accuracy = quantized.evaluate(others, kinds, verbose=0)[1]
    assert accuracy > 0.85
    result = qspec.export(quantized, tmp_path / "m.tflite", samples=others)
    assert result.ok
    assert abs(np.mean(result.predict(others).argmax(-1) == kinds) - accuracy) < 0.02
    assert np.array_equal(model.get_layer("stem").kernel, quantized.float_model.get_layer("stem").kernel)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        model = settled(small_model)
    finally:
        keras.config.set_dtype_policy("float32")
    images, labels = stripes()

    quantized, history = fitted(TRACKED, model, images, labels)

    assert (policy == "mixed_float16") == isinstance(quantized.optimizer, keras.optimizers.LossScaleOptimizer)
    assert history["loss"][-1] < history["loss"][0]
    assert all(variable.dtype != "float16" for variable in quantized.variables)
    result = qspec.export(quantized, tmp_path / "m.tflite", samples=images)
    assert result.ok
    assert result.parity.largest <= 1
    quantized.save(tmp_path / "m.keras")
    again = qspec.load_model(tmp_path / "m.keras")
    assert again.float_model.layers[1].dtype_policy.name == policy
    assert np.array_equal(quantized(images), again(images))
    # Products alone are computed in the policy's type, and in training alone.
    exact, half = quantized(images), quantized(images, training=True)
    assert exact.dtype == half.dtype == tf.float32


def test_factors_are_rounded_to_half_precision_and_sums_are_not():
    generator = np.random.default_rng(0)
    value, weights = generator.normal(size=(3, 5)), generator.normal(size=(4, 5))
    bias = generator.normal(size=4).astype(np.float32) * 1e-4
    op = Op(0, "FULLY_CONNECTED", (0, 1, 2), (3,), {"fused_activation_function": "RELU"})

    found = product_in_half(op, [tf.constant(value, tf.float32), tf.constant(weights, tf.float32), bias], "float16")

    product = (value.astype(np.float16).astype(np.float32) @ weights.astype(np.float16).T.astype(np.float32)).astype(
        np.float16
    )
    assert found.dtype == tf.float32
    assert np.allclose(np.maximum(product.astype(np.float32) + bias, 0), found, atol=4e-3)
    assert not np.allclose(np.maximum(value @ weights.T + bias, 0), found, atol=1e-6)


@pytest.mark.parametrize("make", [models.sequences, models.branches], ids=["sequences", "branches"])
def test_tracking_in_models_of_other_shapes(make, tmp_path):
    model = settled(make)
    data = inputs_of(model)
    quantized = qspec.apply(qspec.loads(TRACKED), model, calibration=data)
    quantized.compile("adam", loss="mse")
    targets = keras.tree.map_structure(lambda output: np.zeros((32, *output.shape[1:]), np.float32), model.output)

    history = quantized.fit(data, targets, epochs=2, verbose=0).history

    assert np.isfinite(history["loss"]).all()
    assert qspec.export(quantized, tmp_path / "m.tflite", samples=data).parity.largest <= 1
