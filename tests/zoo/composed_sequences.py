"""Whole models of sequences: attention, recurrence, convolutions over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers as L
from keras import ops

STEPS, FEATURES, WORDS = 12, 8, 20


def models() -> dict[str, Callable[[], Any]]:
    """What makes each model, by its name."""
    own = (
        transformer_encoder, transformer_decoder, vision_transformer, grouped_query_decoder, mlp_mixer, cross_attention,
        dilated_tcn, gated_convolutions, crnn, bidirectional_gru, stacked_lstm, encoder_decoder, conv_lstm,
        time_distributed_cnn, keyword_spotting, mel_keywords, attention_pooling, text_cnn, tied_language_model,
    )  # fmt: skip
    return {make.__name__: make for make in own}


def _feed_forward(value: Any, width: int = 16, activation: str = "gelu") -> Any:
    return L.Dense(value.shape[-1])(L.Dense(width, activation=activation)(value))


def _words() -> tuple[Any, Any]:
    """Words as an input, and their embeddings with those of their places added."""
    words = keras.Input((STEPS,), dtype="int32", name="words")
    places = L.Embedding(STEPS, FEATURES)(ops.arange(STEPS))
    return words, L.Embedding(WORDS, FEATURES)(words) + places


def transformer_encoder() -> Any:
    """Two blocks of self-attention with the normalization behind (Vaswani et al. 2017)."""
    words, value = _words()
    for _ in range(2):
        value = L.LayerNormalization()(value + L.MultiHeadAttention(2, 4, dropout=0.1)(value, value))
        value = L.LayerNormalization()(value + _feed_forward(value, activation="relu"))
    return keras.Model(words, L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(value)))


def transformer_decoder() -> Any:
    """A causal block with the normalization before, and the next word's logits (GPT-2)."""
    words, value = _words()
    known = L.LayerNormalization()(value)
    value = L.Add()([value, L.MultiHeadAttention(2, 4)(known, known, use_causal_mask=True)])
    value = L.Add()([value, _feed_forward(L.LayerNormalization()(value))])
    return keras.Model(words, L.Dense(WORDS)(L.LayerNormalization()(value)))


def vision_transformer() -> Any:
    """Patches by a strided convolution, learned places, attention (Dosovitskiy et al. 2021)."""
    image = keras.Input((16, 16, 3))
    value = L.Reshape((16, 8))(L.Conv2D(8, 4, strides=4)(image))
    value = value + L.Embedding(16, 8)(ops.arange(16))
    known = L.LayerNormalization(epsilon=1e-6)(value)
    value = L.Add()([value, L.MultiHeadAttention(2, 4)(known, known)])
    value = L.Add()([value, _feed_forward(L.LayerNormalization(epsilon=1e-6)(value))])
    return keras.Model(image, L.Dense(4)(L.LayerNormalization(epsilon=1e-6)(value)[:, 0]))


def grouped_query_decoder() -> Any:
    """GroupQueryAttention, root-mean-square normalization and a gated feed-forward (LLaMA)."""
    words, value = _words()
    known = L.RMSNormalization()(value)
    value = value + L.GroupQueryAttention(4, 4, 2)(known, known, use_causal_mask=True)
    known = L.RMSNormalization()(value)
    gated = L.Dense(16, activation="silu", use_bias=False)(known) * L.Dense(16, use_bias=False)(known)
    value = value + L.Dense(FEATURES, use_bias=False)(gated)
    return keras.Model(words, L.Dense(WORDS, use_bias=False)(L.RMSNormalization()(value)))


def mlp_mixer() -> Any:
    """Dense layers across places, then across channels (Tolstikhin et al. 2021)."""
    image = keras.Input((16, 16, 3))
    value = L.Reshape((16, 8))(L.Conv2D(8, 4, strides=4)(image))
    for _ in range(2):
        across = L.Permute((2, 1))(L.LayerNormalization()(value))
        value = L.Add()([value, L.Permute((2, 1))(_feed_forward(across))])
        value = L.Add()([value, _feed_forward(L.LayerNormalization()(value))])
    return keras.Model(image, L.Dense(4)(L.GlobalAveragePooling1D()(value)))


def cross_attention() -> Any:
    """One sequence asks another (Attention, AdditiveAttention and MultiHeadAttention side by side)."""
    asking, asked = keras.Input((5, FEATURES), name="asking"), keras.Input((STEPS, FEATURES), name="asked")
    found = [
        L.Attention(use_scale=True)([asking, asked]),
        L.AdditiveAttention()([asking, asked]),
        L.MultiHeadAttention(2, 4)(asking, asked),
    ]
    return keras.Model([asking, asked], L.Dense(4)(L.Concatenate()(found)))


def dilated_tcn() -> Any:
    """Causal convolutions with growing dilation and shortcuts (Bai et al. 2018)."""
    series = keras.Input((24, 4))
    value = L.Conv1D(8, 1)(series)
    for rate in (1, 2, 4):
        branch = L.Conv1D(8, 3, padding="causal", dilation_rate=rate, activation="relu")(value)
        branch = L.SpatialDropout1D(0.1)(branch)
        branch = L.Conv1D(8, 3, padding="causal", dilation_rate=rate)(branch)
        value = L.ReLU()(L.Add()([value, branch]))
    return keras.Model(series, L.Dense(3)(value[:, -1]))


def gated_convolutions() -> Any:
    """tanh times sigmoid, with skip connections added up (WaveNet)."""
    series = keras.Input((24, 4))
    value, skips = L.Conv1D(8, 2, padding="causal")(series), []
    for rate in (1, 2, 4):
        left = L.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation="tanh")(value)
        right = L.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(value)
        gated = L.Multiply()([left, right])
        skips.append(L.Conv1D(6, 1)(gated))
        value = L.Add()([value, L.Conv1D(8, 1)(gated)])
    return keras.Model(series, L.Conv1D(4, 1)(L.ReLU()(L.Add()(skips))))


def crnn() -> Any:
    """Convolutions, then an LSTM over columns, then a class for each (text in images)."""
    image = keras.Input((8, 16, 1))
    value = L.MaxPooling2D((2, 1))(L.Conv2D(6, 3, padding="same", activation="relu")(image))
    value = L.Reshape((16, 24))(L.Permute((2, 1, 3))(value))
    value = L.Bidirectional(L.LSTM(6, return_sequences=True))(value)
    return keras.Model(image, L.Dense(5, activation="softmax")(value))


def bidirectional_gru() -> Any:
    """Words, a GRU both ways, and a class."""
    words = keras.Input((STEPS,), dtype="int32")
    value = L.Bidirectional(L.GRU(6))(L.Embedding(WORDS, FEATURES)(words))
    return keras.Model(words, L.Dense(2, activation="softmax")(value))


def stacked_lstm() -> Any:
    """Two LSTMs, one upon the other, for a forecast."""
    series = keras.Input((10, 3))
    value = L.LSTM(6)(L.LSTM(8, return_sequences=True)(series))
    return keras.Model(series, L.Dense(2)(value))


def encoder_decoder() -> Any:
    """A GRU whose last state begins another."""
    given, wanted = keras.Input((8, 3), name="given"), keras.Input((6, 2), name="wanted")
    _, state = L.GRU(6, return_state=True)(given)
    value = L.GRU(6, return_sequences=True)(wanted, initial_state=state)
    return keras.Model([given, wanted], L.TimeDistributed(L.Dense(3))(value))


def conv_lstm() -> Any:
    """Images one after another (Shi et al. 2015)."""
    images = keras.Input((3, 8, 8, 2))
    value = L.ConvLSTM2D(4, 3, padding="same")(images)
    return keras.Model(images, L.Conv2D(1, 1, activation="sigmoid")(value))


def time_distributed_cnn() -> Any:
    """One network for each image of a film, and a SimpleRNN behind."""
    images = keras.Input((4, 8, 8, 2))
    value = L.TimeDistributed(L.Conv2D(6, 3, activation="relu"))(images)
    value = L.TimeDistributed(L.MaxPooling2D())(value)
    value = L.TimeDistributed(L.Flatten())(value)
    return keras.Model(images, L.Dense(3)(L.SimpleRNN(6)(value)))


def keyword_spotting() -> Any:
    """Depthwise separable convolutions over time and frequency (DS-CNN, Zhang et al. 2017)."""
    sounds = keras.Input((25, 10, 1))
    value = L.Conv2D(8, (10, 4), strides=(2, 2), padding="same", use_bias=False)(sounds)
    value = L.ReLU()(L.BatchNormalization()(value))
    for _ in range(2):
        value = L.ReLU()(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(value)))
        value = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, 1, use_bias=False)(value)))
    value = L.Flatten()(L.AveragePooling2D((13, 5))(L.Dropout(0.2)(value)))
    return keras.Model(sounds, L.Dense(4, activation="softmax")(value))


def mel_keywords() -> Any:
    """From the wave itself: a mel spectrogram in decibels, then convolutions."""
    wave = keras.Input((512,))
    value = L.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=16, sampling_rate=8000)(wave)
    value = L.Rescaling(0.02, offset=1.0)(value)
    value = L.Conv1D(8, 3, padding="same", activation="relu")(L.Permute((2, 1))(value))
    return keras.Model(wave, L.Dense(4)(L.GlobalMaxPooling1D()(value)))


def attention_pooling() -> Any:
    """A weight for each step by Dense and Softmax, and the weighted sum."""
    series = keras.Input((STEPS, FEATURES))
    weights = L.Softmax(axis=1)(L.Dense(1)(L.Dense(6, activation="tanh")(series)))
    return keras.Model(series, L.Dense(3)(ops.sum(series * weights, axis=1)))


def text_cnn() -> Any:
    """Windows of several lengths over words, the largest of each (Kim 2014)."""
    words = keras.Input((STEPS,), dtype="int32")
    value = L.Embedding(WORDS, FEATURES)(words)
    found = [L.GlobalMaxPooling1D()(L.Conv1D(4, size, activation="relu")(value)) for size in (2, 3, 4)]
    return keras.Model(words, L.Dense(2, activation="softmax")(L.Dropout(0.5)(L.Concatenate()(found))))


def tied_language_model() -> Any:
    """The embedding's table gives the logits, too (Press and Wolf 2017)."""
    words = keras.Input((STEPS,), dtype="int32")
    table = L.ReversibleEmbedding(WORDS, FEATURES)
    value = L.LayerNormalization()(L.Conv1D(FEATURES, 3, padding="causal", activation="relu")(table(words)))
    return keras.Model(words, table(value, reverse=True))
