"""Training a subclassed model: what its copy and its saved file keep, and what is told of layers that become ops."""

import keras
import numpy as np
import pytest
from keras import layers

import qspec

SPEC = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'
DATA = np.random.default_rng(0).normal(size=(16, 5, 6)).astype("float32")
TARGETS = np.zeros((16, 5, 4), "float32")


@keras.saving.register_keras_serializable(package="tests")
class Encoder(keras.Model):
    """A frozen layer, attention with dropout, a head; `training` has no default."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.backbone = layers.Dense(8, "relu")
        self.attention = layers.MultiHeadAttention(2, 4, dropout=0.2)
        self.head = layers.Dense(4)

    def call(self, x, training):
        y = self.backbone(x)
        return self.head(self.attention(y, y))


def unregistered(target, prediction):
    return keras.ops.mean(keras.ops.square(target - prediction))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_frozen_layers_stay_frozen_and_losses_of_ones_own_do_no_harm(policy, tmp_path):
    keras.mixed_precision.set_global_policy(policy)
    try:
        model = Encoder()
        model(DATA[:1], training=False)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.backbone.trainable = False
    model.compile("adam", loss=unregistered)
    quantized = qspec.apply(qspec.loads(SPEC), model, DATA)
    quantized.compile("adam", "mse")
    before = np.asarray(quantized.float_model.backbone.kernel)
    quantized.fit(DATA, TARGETS, verbose=0)
    quantized.save(tmp_path / "q.keras")
    loaded = qspec.load_model(tmp_path / "q.keras")

    assert len(model.trainable_variables) == len(quantized.trainable_variables) == len(loaded.trainable_variables)
    assert np.array_equal(before, np.asarray(loaded.float_model.backbone.kernel))
    assert np.array_equal(np.asarray(quantized(DATA)), np.asarray(loaded(DATA)))
    assert qspec.export(loaded, tmp_path / "q.tflite", samples=DATA).parity.largest <= 1


@pytest.mark.parametrize(
    "attention",
    [
        layers.MultiHeadAttention(2, 4, dropout=0.5, seed=1),
        layers.GroupQueryAttention(4, 4, 2, dropout=0.5, seed=1),
        layers.Attention(dropout=0.5, seed=1),
        layers.AdditiveAttention(dropout=0.5, seed=1),
    ],
    ids=lambda layer: layer.name,
)
def test_attention_drops_what_keras_drops(attention, recwarn):
    x = keras.Input((5, 6))
    of_sequences = isinstance(attention, layers.Attention)
    model = keras.Model(x, attention([x, x]) if of_sequences else attention(x, x))
    wide = "a8(type = int16, scheme = symmetric, range = fixed(-16, 16))"  # what dropout enlarges is not cut off
    spec = SPEC.replace("output = a8", f"output = {wide}")
    if not of_sequences:
        spec += f"rule wide match any {{ inner = {wide} }}\n"
    quantized = qspec.apply(qspec.loads(spec), model, DATA)
    copied = quantized.float_model.get_layer(attention.name)
    generators = [
        layer.seed_generator if of_sequences else layer._dropout_layer.seed_generator for layer in (attention, copied)
    ]
    for generator in generators:
        generator.state.assign([3, 4])
    trained = np.asarray(quantized(DATA, training=True))
    expected, at_inference = (np.asarray(model(DATA, training=training)) for training in (True, False))

    noise = np.square(trained - expected).mean()
    assert np.square(expected).mean() > 200 * noise  # 23 dB
    assert np.square(expected - at_inference).mean() > 50 * noise
    assert np.array_equal(*(np.asarray(generator.state) for generator in generators))
    assert not [each for each in recwarn if "goes without" in str(each.message)]


def test_tells_of_dropout_between_the_steps_of_a_recurrence():
    x = keras.Input((5, 6))
    model = keras.Model(x, layers.GRU(4, dropout=0.5, name="memory")(x))
    quantized = qspec.apply(qspec.loads(SPEC), model, DATA)

    with pytest.warns(UserWarning, match="training goes without the dropout of `memory`"):
        quantized(DATA, training=True)


def test_sums_of_16_bits_whose_scales_are_nearly_powers_of_two(tmp_path):
    """LiteRT takes such scales for powers of two, and shifts, unless the file says otherwise."""
    spec = """
qspec 1
import "std/int8.qspec"
quantizer a16 extends a8 { type = int16, scheme = symmetric }
quantizer one extends a16 { range = fixed(-0.9999, 0.9999) }
default { weights = w8, output = one }
rule sums match Add { output = a16(range = fixed(-1.9997, 1.9997)) }
"""
    x = keras.Input((8,))
    model = keras.Model(x, layers.Subtract()([layers.Add()([x, x * 0.5]), x]))
    data = np.random.default_rng(1).uniform(-0.9, 0.9, (16, 8)).astype("float32")

    result = qspec.quantize(qspec.loads(spec), model, data, tmp_path / "m.tflite", samples=data)

    assert result.parity.largest <= 1
    assert result.parity.sqnr > 90
