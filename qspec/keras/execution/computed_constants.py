"""Constants that are not variables of a layer, but computed from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops


def batch_norm_multiplier(layer: Any, variance: Any = None) -> Any:
    """What a `BatchNormalization` multiplies by, gamma / sqrt(variance + epsilon), [channels]; without *variance*, by
    its moving one, as at inference."""
    multiplier = 1.0 / ops.sqrt((layer.moving_variance if variance is None else variance) + layer.epsilon)
    return multiplier * layer.gamma if layer.scale else multiplier


def batch_norm_addend(layer: Any, mean: Any = None, variance: Any = None) -> Any:
    """What a `BatchNormalization` adds then, beta - mean * multiplier, [channels]; without *mean* and *variance*, with
    its moving ones."""
    addend = -(layer.moving_mean if mean is None else mean) * batch_norm_multiplier(layer, variance)
    return addend + layer.beta if layer.center else addend


def _deviation(layer: Any) -> Any:
    """The standard deviation that a `Normalization` multiplies by, or its reciprocal (`Normalization.call`)."""
    deviation = ops.maximum(ops.sqrt(layer.variance), keras.config.epsilon())
    return deviation if layer.invert else 1.0 / deviation


def _fourier_kernel(wave: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What a `MelSpectrogram` multiplies the samples of a frame by, [frequencies, 1, samples, 1]: the window times the
    *wave* of each frequency (`tf.signal.stft`)."""

    def kernel(layer: Any) -> Any:
        length = layer.fft_length
        angles = 2 * np.pi / length * np.outer(np.arange(length // 2 + 1), np.arange(length))
        return ops.convert_to_tensor((wave(angles) * _window(layer))[:, None, :, None], "float32")

    return kernel


def _window(layer: Any) -> Any:
    """One value for each sample of a frame; zeros around a window that is shorter. Those by name are periodic if their
    length is even, else symmetric (`tf.signal.hann_window`)."""
    if layer.window is None:
        return np.ones(layer.fft_length)
    size = layer.sequence_length
    if isinstance(layer.window, str):
        mean = {"hann": 0.5, "hamming": 0.54}[layer.window]
        period = max(size - size % 2, 1)
        values = mean - (1 - mean) * np.cos(2 * np.pi / period * np.arange(size)) if size > 1 else np.ones(1)
    else:
        values = ops.convert_to_numpy(layer.window)
    before = (layer.fft_length - size) // 2
    return np.pad(values, (before, layer.fft_length - size - before))


def _mel_kernel(layer: Any) -> Any:
    """The share of each frequency in each band of a `MelSpectrogram`, [frequencies, bands]."""
    return layer.linear_to_mel_weight_matrix(
        num_mel_bins=layer.num_mel_bins,
        num_spectrogram_bins=layer.fft_length // 2 + 1,
        sampling_rate=layer.sampling_rate,
        lower_edge_hertz=layer.min_freq,
        upper_edge_hertz=layer.max_freq,
    )


def _dilated_kernel(layer: Any) -> Any:
    """The kernel of a transposed convolution with zeros between its values, as far apart as its dilation says."""
    kernel = ops.convert_to_tensor(layer.kernel)
    for axis, step in enumerate(layer.dilation_rate):
        *before, size = kernel.shape[: axis + 1]
        behind = kernel.shape[axis + 1 :]
        apart = ops.reshape(kernel, (*before, size, 1, *behind))
        spread = ops.pad(apart, [(0, (step - 1) * (place == axis + 1)) for place in range(len(apart.shape))])
        joined = ops.reshape(spread, (*before, size * step, *behind))
        kernel = ops.take(joined, range((size - 1) * step + 1), axis=axis)
    return kernel


_COMPUTED: dict[tuple[type, str], Callable[[Any], Any]] = {
    (keras.layers.BatchNormalization, "multiplier"): batch_norm_multiplier,
    (keras.layers.BatchNormalization, "addend"): batch_norm_addend,
    (keras.layers.Normalization, "multiplier"): _deviation,
    (keras.layers.MelSpectrogram, "real_kernel"): _fourier_kernel(np.cos),
    (keras.layers.MelSpectrogram, "imag_kernel"): _fourier_kernel(lambda angles: -np.sin(angles)),
    (keras.layers.Conv1DTranspose, "dilated_kernel"): _dilated_kernel,
    (keras.layers.Conv2DTranspose, "dilated_kernel"): _dilated_kernel,
    (keras.layers.Conv3DTranspose, "dilated_kernel"): _dilated_kernel,
    (keras.layers.MelSpectrogram, "mel_kernel"): _mel_kernel,
}


def constant_of(layer: Any, name: str) -> Any:
    """The constant of *layer* that lowering calls *name*: a variable, or what is computed from variables."""
    for (class_, key), function in _COMPUTED.items():
        if key == name and isinstance(layer, class_):
            return function(layer)
    return getattr(layer, name)
