"""Learned scales and clipping values against the papers' formulas, and on their way through training into the file."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import qspec
from qspec import SpecError
from qspec.keras.kernels.fake_quantize import clipped_quantize, learned_quantize, round_at_random
from tests.keras.test_whole_way import INTEGER_EDGES, inputs_of, settled

LEARNED = INTEGER_EDGES.replace("w8,", "w8(range = learned),").replace("= a8 ", "= a8(range = learned) ")
CLIPPED = INTEGER_EDGES.replace("= a8 ", "= a8(range = learned_clip) ")


def small_model():
    """A convolutional network as a person would write it."""
    image = keras.Input((12, 12, 3))
    value = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(6, 3)(image)))
    value = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="relu", name="second")(value))
    return keras.Model(image, layers.Dense(3, activation="softmax", name="head")(layers.Flatten()(value)))


def stripes(count=96, seed=0):
    """Pictures with horizontal stripes, vertical ones or none, and which of these."""
    generator = np.random.default_rng(seed)
    images = generator.normal(0, 0.4, (count, 12, 12, 3)).astype(np.float32)
    labels = generator.integers(0, 3, count)
    images[labels == 0, ::2] += 1
    images[labels == 1, :, ::2] += 1
    return images, labels


@pytest.mark.parametrize("codes", [(-8, 7), (-127, 127), (-128, 127)])
@pytest.mark.parametrize("zero_point", [0.0, -128.0])
@pytest.mark.parametrize("per_channel", [True, False])
def test_the_gradient_of_a_learned_scale_is_the_papers(codes, zero_point, per_channel):
    if zero_point < codes[0]:
        pytest.skip("no such zero point")
    generator = np.random.default_rng(0)
    value = generator.normal(size=(5, 7, 4)).astype(np.float32)
    upstream = generator.normal(size=value.shape).astype(np.float32)
    scale = np.float32(generator.uniform(0.5, 2.0, (1, 1, 4) if per_channel else ())) / np.float32(codes[1])

    with tf.GradientTape() as tape:
        inputs = [tf.convert_to_tensor(value), tf.convert_to_tensor(scale)]
        tape.watch(inputs)
        result = learned_quantize(*inputs, tf.constant(zero_point), codes, value.size // scale.size)
    found, found_scale = tape.gradient(result, inputs, upstream)

    below, above = zero_point - codes[0], codes[1] - zero_point  # Q_N and Q_P
    steps = value / scale
    inside = (-below < steps) & (steps < above)
    rounded = np.sign(steps) * np.floor(np.abs(steps) + 0.5)
    slope = np.where(inside, rounded - steps, np.where(steps <= -below, -below, above))  # equation 3
    weight = 1 / np.sqrt(value.size / scale.size * above)
    expected = weight * np.sum(upstream * slope, (0, 1) if per_channel else None)
    assert np.allclose(np.clip(rounded, -below, above) * scale, result, atol=1e-6)  # equations 1 and 2
    assert np.array_equal(np.where(inside, upstream, 0), found)  # equation 5
    assert np.allclose(expected, np.reshape(found_scale, expected.shape), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_gradient_of_a_clipping_value_is_the_papers(symmetric):
    generator = np.random.default_rng(0)
    value, upstream = generator.normal(size=(2, 50)).astype(np.float32)
    clip = np.float32(0.8)
    codes, zero_point = ((-127, 127), 0.0) if symmetric else ((-128, 127), -128.0)
    scale = clip / np.float32(127 if symmetric else 255)

    with tf.GradientTape() as tape:
        inputs = [tf.convert_to_tensor(value), tf.convert_to_tensor(clip)]
        tape.watch(inputs)
        parameters = tf.constant(scale), tf.constant(zero_point)
        result = clipped_quantize(*inputs, parameters, codes, symmetric=symmetric)
    found, found_clip = tape.gradient(result, inputs, upstream)

    low = -clip if symmetric else 0.0
    assert np.abs(np.clip(value, low, clip) - result).max() <= scale / 2 * 1.001
    expected = upstream[value >= clip].sum() - (upstream[value <= -clip].sum() if symmetric else 0)  # equation 3
    assert np.isclose(expected, found_clip, rtol=1e-5)
    away = (np.abs(value - low) > scale) & (np.abs(value - clip) > scale)
    assert np.array_equal(np.where((value > low) & (value < clip), upstream, 0)[away], found.numpy()[away])


def test_rounding_by_chance_is_right_on_average():
    steps = tf.repeat(tf.constant([[-1.75], [0.0], [0.3], [2.5]]), 20000, 1)

    rounded = round_at_random(tf.constant([1, 2]))(steps, 0.0).numpy()

    assert np.abs(rounded.mean(1) - [-1.75, 0.0, 0.3, 2.5]).max() < 0.02  # five standard deviations
    assert (np.abs(rounded - steps) < 1).all()


@pytest.mark.parametrize("text", [LEARNED, CLIPPED], ids=["scales", "clipping values"])
def test_what_was_learned_is_what_the_file_has(text, tmp_path):
    model = settled(small_model)
    images, labels = stripes()
    quantized = qspec.apply(qspec.loads(text), model, calibration=images)
    plain = qspec.apply(qspec.loads(INTEGER_EDGES), model, calibration=images)
    # Training begins where calibration without it would end.
    assert np.abs(np.asarray(quantized(images)) - np.asarray(plain(images))).max() < 2 / 256
    before = {variable.path: np.asarray(variable) for variable in quantized.trainable_variables}
    quantized.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

    history = quantized.fit(images, labels, epochs=8, verbose=0).history
    result = qspec.export(quantized, tmp_path / "m.tflite", samples=images)

    assert history["accuracy"][-1] > 0.9
    learned = [variable for variable in quantized.trainable_variables if variable.name == "learned"]
    assert len(learned) == (7 if text is LEARNED else 4)  # three layers' weights; the input and three outputs
    assert all((np.asarray(variable) > 0).all() for variable in learned)
    assert any((np.asarray(variable) != before[variable.path]).any() for variable in learned)
    assert result.ok
    assert result.parity.largest <= 1
    if text is LEARNED:
        found = qspec.extract(quantized)["head"]["kernel"].scale
        assert any(np.array_equal(found, np.ravel(scale.value())) for scale in quantized.learned_scales.values())
    quantized.save(tmp_path / "m.keras")
    assert np.array_equal(quantized(images), qspec.load_model(tmp_path / "m.keras")(images))


def test_gradient_descent_moves_a_scale_as_the_paper_does():
    model = settled(lambda: keras.Sequential([keras.Input((16,)), layers.Dense(4, name="dense")]))
    data = inputs_of(model)
    text = LEARNED.replace("a8(range = learned)", "a8").replace(
        "w8(range = learned)", "w8(type = int4, range = learned)"
    )
    quantized = qspec.apply(qspec.loads(text), model, calibration=data)
    upstream = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    before, optimizer = qspec.extract(quantized)["dense"]["kernel"].scale, keras.optimizers.SGD(1e-3)

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(quantized(data, training=True) * upstream)
    optimizer.apply(tape.gradient(loss, quantized.trainable_variables), quantized.trainable_variables)

    kernel = np.asarray(model.layers[0].kernel)
    steps = kernel / before
    rounded = np.sign(steps) * np.floor(np.abs(steps) + 0.5)
    # The largest weight may lie on the very edge, where it is inside.
    slope = np.where(np.abs(steps) < 7.001, rounded - steps, 7 * np.sign(steps)) / np.sqrt(len(kernel) * 7)
    calibrated, outputs = data @ kernel, data @ (np.clip(rounded, -7, 7) * before)
    inside = (outputs > calibrated.min()) & (outputs < calibrated.max())  # of the output's own range
    reached = data.T @ np.where(inside, upstream, 0)
    moved = qspec.extract(quantized)["dense"]["kernel"].scale - before
    assert np.allclose(-1e-3 * (reached * slope).sum(0), moved, rtol=0.15, atol=0.05 * np.abs(moved).max())


def test_weights_of_four_bits_begin_with_the_papers_scale():
    model = settled(lambda: keras.Sequential([keras.Input((64,)), layers.Dense(8, name="dense")]))
    model.layers[0].kernel.assign(np.random.default_rng(0).standard_t(3, (64, 8)))
    text = LEARNED.replace("w8(range = learned)", "w8(type = int4, range = learned)")

    quantized = qspec.apply(qspec.loads(text), model, calibration=inputs_of(model))

    kernel = np.abs(np.asarray(model.layers[0].kernel))
    expected = np.minimum(2 * kernel.mean(0) / np.sqrt(7), kernel.max(0) / 7)
    assert (expected < kernel.max(0) / 7).any()
    assert np.allclose(expected, qspec.extract(quantized)["dense"]["kernel"].scale, rtol=1e-6)


def test_frozen_scales_no_longer_move():
    model = settled(small_model)
    images, labels = stripes()
    text = LEARNED + "train { freeze_ranges_after = epochs(2) }\n"
    quantized = qspec.apply(qspec.loads(text), model, calibration=images)
    quantized.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    seen = []

    for _ in range(5):
        quantized.fit(images, labels, verbose=0)
        seen.append(float(qspec.extract(quantized)["second"]["output"].scale))

    assert seen[0] != seen[1]
    assert seen[2] == seen[3] == seen[4]


def test_scales_of_frozen_layers_stay():
    model = settled(small_model)
    model.get_layer("second").trainable = False
    images, labels = stripes()
    quantized = qspec.apply(qspec.loads(LEARNED), model, calibration=images)
    before = qspec.extract(quantized)
    quantized.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")

    quantized.fit(images, labels, verbose=0)

    after = qspec.extract(quantized)
    assert np.array_equal(before["second"]["kernel"].scale, after["second"]["kernel"].scale)
    assert np.array_equal(before["second"]["kernel"].codes, after["second"]["kernel"].codes)
    assert not np.array_equal(before["head"]["kernel"].scale, after["head"]["kernel"].scale)


def test_weights_are_not_clipped():
    text = INTEGER_EDGES.replace("w8,", "w8(range = learned_clip),")

    with pytest.raises(SpecError, match="`learned_clip` learns where activations are cut off"):
        qspec.apply(qspec.loads(text), settled(small_model), calibration=stripes()[0])


def test_rounding_by_chance_happens_in_training_alone(tmp_path):
    model = settled(small_model)
    images, labels = stripes()
    text = INTEGER_EDGES.replace("w8,", "w8(rounding = stochastic),").replace("= a8 ", "= a8(rounding = stochastic) ")
    quantized = qspec.apply(qspec.loads(text), model, calibration=images)

    first, second = quantized(images, training=True), quantized(images, training=True)

    assert not np.array_equal(first, second)
    assert np.array_equal(quantized(images), quantized(images))
    quantized.compile("adam", "sparse_categorical_crossentropy")
    quantized.fit(images, labels, verbose=0)
    assert qspec.export(quantized, tmp_path / "m.tflite", samples=images).parity.largest <= 1
