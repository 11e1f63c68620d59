"""Small Keras models: layers that prepare data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering.zoo_activations import FEATURES, IMAGE, SEQUENCE, Models, chain

AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "AugMix": {},
    "CutMix": {},
    "MixUp": {},
    "RandAugment": {},
    "RandomBrightness": {"factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.2},
    "RandomColorJitter": {},
    "RandomContrast": {"factor": 0.2},
    "RandomElasticTransform": {},
    "RandomErasing": {},
    "RandomFlip": {},
    "RandomGaussianBlur": {},
    "RandomGrayscale": {},
    "RandomHue": {"factor": 0.2},
    "RandomInvert": {},
    "RandomPerspective": {},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.1},
    "RandomSaturation": {"factor": 0.2},
    "RandomSharpness": {"factor": 0.2},
    "RandomShear": {"x_factor": 0.2},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.1},
    "RandomCrop": {"height": 6, "width": 5},
    "Solarization": {},
    "MaxNumBoundingBoxes": {"max_number": 3},
}


def models() -> Models:
    """By name, what makes the model."""
    return {**_known(), **_categories(), **_images(), **_signals()}


def _known() -> Models:
    import numpy as np
    from keras import layers as L

    image: dict[str, Callable[[], Any]] = {
        "rescaling": lambda: L.Rescaling(1 / 127.5, offset=-1.0),
        "rescaling_channels": lambda: L.Rescaling([1.5, 2.0, 3.0, 4.0], offset=[1.0, 2.0, 3.0, 5.0]),
        "rescaling_array": lambda: L.Rescaling(np.array([[[1.5, 2.0, 3.0, 4.0]]])),
        "rescaling_rows": lambda: L.Rescaling(np.arange(1.0, 6.0).reshape(5, 1), offset=2),
        "rescaling_offset": lambda: L.Rescaling(1, offset=2.0),
        "rescaling_nothing": lambda: L.Rescaling(1.0),
        "normalization": lambda: L.Normalization(mean=0.5, variance=2.0),
        "normalization_inverse": lambda: L.Normalization(mean=0.5, variance=2.0, invert=True),
        "normalization_whole": lambda: L.Normalization(axis=None, mean=0.5, variance=0.25),
        "normalization_channels": lambda: L.Normalization(mean=[0.5, 1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.25, 2.0]),
        "normalization_height": lambda: L.Normalization(axis=1, mean=0.5, variance=2.0),
        "normalization_plane": lambda: L.Normalization(axis=(1, 2), mean=[0.1] * 5, variance=[2.0] * 5),
        "normalization_outer": lambda: L.Normalization(axis=(1, -1), mean=[[0.5]] * 6, variance=[[2.0]] * 6),
        "normalization_no_variance": lambda: L.Normalization(mean=0.5, variance=0.0),
    }
    found: Models = {f"known_{name}": lambda make=make: chain(IMAGE, make()) for name, make in image.items()}
    for name in ("rescaling", "rescaling_nothing", "normalization", "normalization_inverse"):
        found[f"known_{name}_of_int32"] = lambda make=image[name]: chain(IMAGE, make(), dtype="int32")
    found["known_rescaling_of_uint8"] = lambda: chain(IMAGE, L.Rescaling(1 / 255), dtype="uint8")
    found["known_normalization_adapted"] = lambda: adapted(IMAGE)
    found["known_normalization_adapted_plane"] = lambda: adapted(IMAGE, axis=(1, 3))
    found["known_normalization_adapted_whole"] = lambda: adapted(FEATURES, axis=None)
    found["known_normalization_adapted_inverse"] = lambda: adapted(SEQUENCE, invert=True)
    found["known_normalization_never_adapted"] = lambda: chain(IMAGE, L.Normalization())
    return found


def adapted(shape: tuple[int, ...], **config: Any) -> Any:
    """A normalization by the statistics of data."""
    import numpy as np
    from keras import layers as L

    layer = L.Normalization(**config)
    layer.adapt(np.random.default_rng(7).normal(2.0, 3.0, (20, *shape)).astype("float32"))
    return chain(shape, layer)


def _categories() -> Models:
    import keras
    from keras import layers as L

    found: Models = {}
    for mode in ("int", "one_hot", "multi_hot", "count"):
        for name, shape in (("one", (1,)), ("three", (3,)), ("table", (3, 2))):
            bins = {"bin_boundaries": [-0.5, 0.0, 0.7], "output_mode": mode}
            found[f"discretization_{mode}_{name}"] = lambda shape=shape, bins=bins: chain(
                shape, L.Discretization(**bins)
            )
            if mode == "int":
                continue
            for dtype in ("int32", "int64", "float32"):
                found[f"categories_{mode}_{name}_{dtype}"] = lambda shape=shape, mode=mode, dtype=dtype: chain(
                    shape, L.CategoryEncoding(5, mode), dtype=dtype
                )
    found["discretization_of_int32"] = lambda: chain((3,), L.Discretization([1.0, 2.0]), dtype="int32")

    def weighted() -> Any:
        indices, weights = keras.Input((3,), dtype="int32", name="indices"), keras.Input((3,), name="weights")
        return keras.Model([indices, weights], L.CategoryEncoding(5, "count")(indices, count_weights=weights))

    found["categories_weighted"] = weighted
    return found


def _images() -> Models:
    import keras
    from keras import layers as L

    found: Models = {}
    for name, config in AUGMENTATIONS.items():
        found[f"augmentation_{name}"] = lambda name=name, config=config: chain(
            (6, 5, 3), getattr(L, name)(**config), L.ReLU()
        )
        found[f"augmentation_{name}_of_bytes"] = lambda name=name, config=config: chain(
            (6, 5, 3), getattr(L, name)(**config), L.Rescaling(1 / 255), dtype="uint8"
        )
    # Outside a Sequential it leaves no trace: its symbolic result is its input.
    for dtype, bins in (("float32", 256), ("uint8", 64)):
        found[f"augmentation_Equalization_{dtype}"] = lambda dtype=dtype, bins=bins: keras.Sequential(
            [keras.Input((6, 5, 3), dtype=dtype), L.Equalization(bins=bins), L.Rescaling(1 / 255)]
        )
    found["contrast"] = lambda: chain((6, 5, 3), L.AutoContrast())
    found["contrast_unit"] = lambda: chain((6, 5, 3), L.AutoContrast(value_range=(0, 1)))
    found["contrast_signed"] = lambda: chain((6, 5, 3), L.AutoContrast(value_range=(-1, 1)))
    found["pipeline"] = lambda: chain(
        (6, 5, 3), L.Pipeline([L.Rescaling(1 / 255, 0.5), L.RandomFlip(), L.BatchNormalization(), L.Rescaling(2, 1)])
    )
    found["pipeline_of_integers"] = lambda: chain(
        (6, 5, 3), L.Pipeline([L.Rescaling(1 / 255, 0.5), L.RandomFlip()]), dtype="int32"
    )
    found["pipeline_of_nothing"] = lambda: chain((6, 5, 3), L.Pipeline([L.RandomFlip(), L.RandomZoom(0.1)]), L.ReLU())
    for name, layer in (
        ("dropout", lambda: L.Dropout(0.1)),
        ("alpha_dropout", lambda: L.AlphaDropout(0.1)),
        ("gaussian_dropout", lambda: L.GaussianDropout(0.1)),
        ("gaussian_noise", lambda: L.GaussianNoise(0.1)),
        ("regularization", lambda: L.ActivityRegularization(0.1)),
        ("identity", lambda: L.Identity()),
    ):
        found[f"passing_{name}"] = lambda layer=layer: chain(IMAGE, layer(), L.ReLU())
        found[f"passing_{name}_sequence"] = lambda layer=layer: chain(SEQUENCE, layer(), L.ReLU())
    for rank, shape in ((1, SEQUENCE), (2, IMAGE), (3, (2, 3, 4, 5))):
        kind = getattr(L, f"SpatialDropout{rank}D")
        found[f"passing_spatial_{rank}d"] = lambda kind=kind, shape=shape: chain(shape, kind(0.2), L.ReLU())
        found[f"passing_spatial_{rank}d_alone"] = lambda kind=kind, shape=shape: chain(shape, L.ReLU(), kind(0.4))
    return found


def _signals() -> Models:
    from keras import layers as L

    found: Models = {}
    config = {"frame_length": 8, "frame_step": 3, "fft_length": 8}
    for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft"):
        found[f"spectrogram_{mode}"] = lambda mode=mode: chain((20, 1), L.STFTSpectrogram(mode, **config))
        found[f"spectrogram_{mode}_stereo"] = lambda mode=mode: chain(
            (20, 2), L.STFTSpectrogram(mode, **config, padding="same", expand_dims=True)
        )
    found["spectrogram_stereo"] = lambda: chain((20, 2), L.STFTSpectrogram(**config))
    found["spectrogram_expanded"] = lambda: chain((20, 1), L.STFTSpectrogram(**config, expand_dims=True))
    mel: dict[str, dict[str, Any]] = {
        "decibels": {},
        "power": {"power_to_db": False},
        "magnitude": {"power_to_db": False, "mag_exp": 1},
        "cubic": {"mag_exp": 3.0, "window": "hamming"},
        "short_window": {"sequence_length": 9, "ref_power": 0.5},
        "no_window": {"sequence_length": 9, "window": None},
        "quiet": {"top_db": 20.0, "min_power": 1e-3, "ref_power": 2.0, "max_freq": 700.0},
    }
    for name, settings in mel.items():
        given = {"fft_length": 16, "sequence_stride": 5, "num_mel_bins": 4, "sampling_rate": 2000, **settings}
        found[f"mel_{name}"] = lambda given=given: chain((40,), L.MelSpectrogram(**given))
    found["spectrogram_longer"] = lambda: chain((20, 1), L.STFTSpectrogram(frame_length=6))
    return found
