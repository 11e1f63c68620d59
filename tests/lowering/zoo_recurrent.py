"""Small Keras models: recurrent layers, and the layers that wrap others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SEQUENCE = (5, 6)
IMAGES = (3, 6, 5, 2)

Made = Callable[[], Any]


def models() -> dict[str, Made]:
    """A function that makes each model, by its name."""
    return {
        **_layers(),
        **_cells(),
        **_single_cells(),
        **_states(),
        **_masks(),
        **_both_ways(),
        **_images(),
        **_wrapped(),
    }


def _chain(shape: tuple[int | None, ...], *layers: Callable[[], Any]) -> Made:
    def make() -> Any:
        import keras

        tensor = inputs = keras.Input(shape)
        for layer in layers:
            tensor = layer()(tensor)
        return keras.Model(inputs, tensor)

    return make


def _layers() -> dict[str, Made]:
    from keras import layers as L

    settings: dict[str, dict[str, Any]] = {
        "plain": {},
        "sequences": {"return_sequences": True},
        "state": {"return_state": True},
        "both": {"return_sequences": True, "return_state": True},
        "backwards": {"return_sequences": True, "go_backwards": True},
        "without_bias": {"use_bias": False},
        "unroll": {"unroll": True},
        "relu": {"activation": "relu"},
        "hard": {"activation": "softsign"},
    }
    found = {
        f"{name.lower()}_{key}": _chain(SEQUENCE, lambda name=name, given=given: getattr(L, name)(4, **given))
        for name in ("LSTM", "GRU", "SimpleRNN")
        for key, given in settings.items()
    }
    gates = {"recurrent_activation": "hard_sigmoid"}
    found |= {
        "lstm_hard_gates": _chain(SEQUENCE, lambda: L.LSTM(4, **gates)),
        "lstm_linear": _chain(SEQUENCE, lambda: L.LSTM(4, activation=None)),
        "lstm_one_step": _chain((1, 6), lambda: L.LSTM(4, return_sequences=True)),
        "lstm_dropout": _chain(SEQUENCE, lambda: L.LSTM(4, dropout=0.2, recurrent_dropout=0.1)),
        "lstm_two": _chain(SEQUENCE, lambda: L.LSTM(4, return_sequences=True), lambda: L.LSTM(3), lambda: L.Dense(2)),
        "gru_hard_gates": _chain(SEQUENCE, lambda: L.GRU(4, **gates)),
        "gru_reset_before": _chain(SEQUENCE, lambda: L.GRU(4, reset_after=False)),
        "gru_reset_before_sequences": _chain(
            SEQUENCE, lambda: L.GRU(4, reset_after=False, use_bias=False, return_sequences=True)
        ),
        "gru_one_step": _chain((1, 6), lambda: L.GRU(4)),
    }
    return found


def _cells() -> dict[str, Made]:
    from keras import layers as L

    return {
        "rnn_lstm": _chain(SEQUENCE, lambda: L.RNN(L.LSTMCell(4))),
        "rnn_gru": _chain(SEQUENCE, lambda: L.RNN(L.GRUCell(4), return_sequences=True)),
        "rnn_simple": _chain(SEQUENCE, lambda: L.RNN(L.SimpleRNNCell(4), return_state=True)),
        "rnn_stacked": _chain(SEQUENCE, lambda: L.RNN([L.LSTMCell(4), L.GRUCell(3)])),
        "rnn_stacked_sequences": _chain(
            SEQUENCE, lambda: L.RNN(L.StackedRNNCells([L.SimpleRNNCell(4), L.LSTMCell(3)]), return_sequences=True)
        ),
    }


def _single_cells() -> dict[str, Made]:
    """Cells that are layers themselves."""

    def cell(make: Callable[[], Any], *states: int) -> Made:
        def made() -> Any:
            import keras

            sample = keras.Input((6,), name="x")
            given = [keras.Input((size,), name=f"y{number}") for number, size in enumerate(states)]
            results = make()(sample, given if len(given) > 1 else given[0])
            return keras.Model([sample, *given], keras.tree.flatten(results))

        return made

    def twice() -> Any:
        import keras

        first, second, state = keras.Input((6,), name="x"), keras.Input((6,), name="y"), keras.Input((4,), name="z")
        layer = keras.layers.GRUCell(4)
        _, between = layer(first, state)
        return keras.Model([first, second, state], layer(second, between)[0])

    def stacked() -> Any:
        import keras

        sample, *given = keras.Input((6,), name="x"), *(keras.Input((4,), name=f"y{number}") for number in range(3))
        layer = keras.layers.StackedRNNCells([keras.layers.LSTMCell(4), keras.layers.GRUCell(4)])
        results = layer(sample, [[given[0], given[1]], given[2]])
        return keras.Model([sample, *given], keras.tree.flatten(results))

    from keras import layers as L

    return {
        "cell_lstm": cell(lambda: L.LSTMCell(4), 4, 4),
        "cell_lstm_hard": cell(lambda: L.LSTMCell(3, recurrent_activation="hard_sigmoid", use_bias=False), 3, 3),
        "cell_gru": cell(lambda: L.GRUCell(4), 4),
        "cell_gru_reset_before": cell(lambda: L.GRUCell(4, reset_after=False, activation="softsign"), 4),
        "cell_gru_twice": twice,
        "cell_simple": cell(lambda: L.SimpleRNNCell(4), 4),
        "cell_simple_relu": cell(lambda: L.SimpleRNNCell(3, activation="relu"), 3),
        "cell_simple_linear": cell(lambda: L.SimpleRNNCell(3, activation=None), 3),
        "cell_stacked": stacked,
    }


def _states() -> dict[str, Made]:
    def with_states(name: str, count: int, **given: Any) -> Made:
        def make() -> Any:
            import keras

            layer = getattr(keras.layers, name)(4, **given)
            sequence = keras.Input(SEQUENCE, name="x")
            states = [keras.Input((4,), name=f"y{number}") for number in range(count)]
            return keras.Model([sequence, *states], layer(sequence, initial_state=states))

        return make

    def translation() -> Any:
        import keras

        source, target = keras.Input(SEQUENCE, name="x"), keras.Input((3, 6), name="y")
        _, *states = keras.layers.LSTM(4, return_state=True, name="encoder")(source)
        decoded = keras.layers.LSTM(4, return_sequences=True, name="decoder")(target, initial_state=states)
        return keras.Model([source, target], keras.layers.Dense(5)(decoded))

    return {
        "lstm_initial": with_states("LSTM", 2),
        "lstm_initial_all": with_states("LSTM", 2, return_sequences=True, return_state=True),
        "gru_initial": with_states("GRU", 1),
        "gru_initial_before": with_states("GRU", 1, reset_after=False, return_sequences=True),
        "simplernn_initial": with_states("SimpleRNN", 1, activation=None),
        "translation": translation,
    }


def _masks() -> dict[str, Made]:
    from keras import layers as L

    def masked(layer: Callable[[], Any]) -> Made:
        def make() -> Any:
            import keras

            sequence = keras.Input(SEQUENCE, name="x")
            mask = sequence[:, :, 0] > -0.2
            return keras.Model(sequence, layer()(sequence, mask=mask))

        return make

    def embedded(*layers: Callable[[], Any]) -> Made:
        def make() -> Any:
            import keras

            words = keras.Input((5,), name="x", dtype="int32")
            tensor = L.Embedding(6, 4, mask_zero=True)(words)
            for layer in layers:
                tensor = layer()(tensor)
            return keras.Model(words, tensor)

        return make

    def masked_from_state() -> Any:
        import keras

        sequence, state = keras.Input(SEQUENCE, name="x"), keras.Input((4,), name="y")
        mask = sequence[:, :, 0] > 0.2
        result = L.GRU(4, return_sequences=True)(sequence, initial_state=[state], mask=mask)
        return keras.Model([sequence, state], result)

    return {
        "masked_lstm": masked(lambda: L.LSTM(4)),
        "masked_gru": masked(lambda: L.GRU(4, return_sequences=True, return_state=True)),
        "masked_simplernn": masked(lambda: L.SimpleRNN(4, go_backwards=True, return_sequences=True)),
        "masked_zeros": masked(lambda: L.LSTM(4, return_sequences=True, zero_output_for_mask=True)),
        "masked_zeros_last": masked(lambda: L.LSTM(4, zero_output_for_mask=True)),
        "masked_from_state": masked_from_state,
        "masking": _chain(SEQUENCE, lambda: L.Masking(0.5)),
        "masking_lstm": _chain(SEQUENCE, lambda: L.Masking(0.0), lambda: L.LSTM(4)),
        "embedding_lstm": embedded(lambda: L.LSTM(4, return_sequences=True), lambda: L.LSTM(3)),
        "embedding_distributed": embedded(lambda: L.TimeDistributed(L.Dense(3))),
        "masked_both_ways": masked(lambda: L.Bidirectional(L.GRU(3, return_sequences=True))),
    }


def _both_ways() -> dict[str, Made]:
    from keras import layers as L

    def both(**given: Any) -> Made:
        return _chain(SEQUENCE, lambda: L.Bidirectional(L.LSTM(4, return_sequences=True), **given))

    return {
        "bidirectional": _chain(SEQUENCE, lambda: L.Bidirectional(L.LSTM(4))),
        "bidirectional_sequences": both(),
        "bidirectional_sum": both(merge_mode="sum"),
        "bidirectional_mul": both(merge_mode="mul"),
        "bidirectional_ave": both(merge_mode="ave"),
        "bidirectional_apart": both(merge_mode=None),
        "bidirectional_gru": _chain(SEQUENCE, lambda: L.Bidirectional(L.GRU(3, reset_after=False))),
        "bidirectional_state": _chain(SEQUENCE, lambda: L.Bidirectional(L.LSTM(3, return_state=True))),
        "bidirectional_rnn": _chain(SEQUENCE, lambda: L.Bidirectional(L.RNN(L.SimpleRNNCell(3)))),
        "bidirectional_different": both(backward_layer=L.GRU(4, return_sequences=True, go_backwards=True)),
    }


def _images() -> dict[str, Made]:
    from keras import layers as L

    two = {"kernel_size": 3, "padding": "same"}
    return {
        "conv_lstm_1d": _chain((3, 6, 2), lambda: L.ConvLSTM1D(3, **two)),
        "conv_lstm_1d_all": _chain((3, 6, 2), lambda: L.ConvLSTM1D(3, 2, return_sequences=True, return_state=True)),
        "conv_lstm_2d": _chain(IMAGES, lambda: L.ConvLSTM2D(3, **two)),
        "conv_lstm_2d_valid": _chain(IMAGES, lambda: L.ConvLSTM2D(3, (3, 2), strides=2, return_sequences=True)),
        "conv_lstm_2d_state": _chain(IMAGES, lambda: L.ConvLSTM2D(3, use_bias=False, return_state=True, **two)),
        "conv_lstm_2d_backwards": _chain(
            IMAGES, lambda: L.ConvLSTM2D(3, 2, go_backwards=True, recurrent_activation="hard_sigmoid")
        ),
        "conv_lstm_3d": _chain((2, 3, 4, 3, 2), lambda: L.ConvLSTM3D(2, **two)),
        "conv_lstm_3d_all": _chain((2, 3, 4, 3, 2), lambda: L.ConvLSTM3D(2, 2, use_bias=False, return_sequences=True)),
    }


def _wrapped() -> dict[str, Made]:
    from keras import layers as L

    def functional() -> Any:
        import keras

        inner = keras.Input((6,))
        hidden = L.Dense(4, activation="relu")(inner)
        model = keras.Model(inner, L.Dense(3)(hidden) * 2 + L.Dense(3, use_bias=False)(hidden))
        outer = keras.Input(SEQUENCE)
        return keras.Model(outer, L.TimeDistributed(model)(outer))

    def sequential() -> Any:
        import keras

        model = keras.Sequential([keras.Input((6, 5, 2)), L.Conv2D(3, 3), L.ReLU(), L.Flatten(), L.Dense(4)])
        outer = keras.Input(IMAGES)
        return keras.Model(outer, L.LSTM(3)(L.TimeDistributed(model)(outer)))

    def normalized() -> Any:
        import keras

        model = keras.Sequential([keras.Input((6, 5, 2)), L.Conv2D(3, 3), L.BatchNormalization(), L.ReLU()])
        outer = keras.Input(IMAGES)
        return keras.Model(outer, L.TimeDistributed(model)(outer))

    return {
        "distributed_batch_normalization": _chain(IMAGES, lambda: L.TimeDistributed(L.BatchNormalization())),
        "distributed_known_normalization": _chain(
            SEQUENCE, lambda: L.TimeDistributed(L.Normalization(mean=[0.5] * 6, variance=[2.0] * 6))
        ),
        "distributed_normalized": normalized,
        "distributed_rescaling": _chain(SEQUENCE, lambda: L.TimeDistributed(L.Rescaling(0.5, 0.25))),
        "distributed_separable": _chain(IMAGES, lambda: L.TimeDistributed(L.SeparableConv2D(3, 2))),
        "distributed_prelu": _chain(IMAGES, lambda: L.TimeDistributed(L.PReLU(shared_axes=[1, 2]))),
        "distributed_twice": _chain((2, 3, 4), lambda: L.TimeDistributed(L.TimeDistributed(L.Dense(3)))),
        "distributed_recurrent": _chain(
            (2, 5, 6), lambda: L.TimeDistributed(L.Bidirectional(L.GRU(3, return_sequences=True)))
        ),
        "distributed_dense": _chain(SEQUENCE, lambda: L.TimeDistributed(L.Dense(3))),
        "distributed_dense_softmax": _chain(SEQUENCE, lambda: L.TimeDistributed(L.Dense(3, activation="softmax"))),
        "distributed_convolution": _chain(IMAGES, lambda: L.TimeDistributed(L.Conv2D(3, 3, activation="relu"))),
        "distributed_pooling": _chain(IMAGES, lambda: L.TimeDistributed(L.GlobalAveragePooling2D())),
        "distributed_max": _chain(IMAGES, lambda: L.TimeDistributed(L.MaxPooling2D(2, padding="same"))),
        "distributed_flatten": _chain(IMAGES, lambda: L.TimeDistributed(L.Flatten()), lambda: L.Dense(3)),
        "distributed_dropout": _chain(SEQUENCE, lambda: L.TimeDistributed(L.Dropout(0.2)), lambda: L.Dense(3)),
        "distributed_lstm": _chain((2, 5, 6), lambda: L.TimeDistributed(L.LSTM(3))),
        "distributed_normalization": _chain(SEQUENCE, lambda: L.TimeDistributed(L.LayerNormalization())),
        "distributed_functional": functional,
        "distributed_sequential": sequential,
        "spectral_normalization": _chain((6,), lambda: L.SpectralNormalization(L.Dense(3))),
    }
