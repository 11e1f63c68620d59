"""One-layer models of pooling, padding, cropping, resizing, reshaping and merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering.lowering_zoo import FEATURES, IMAGE, SEQUENCE, chain
from tests.lowering.zoo_convolutions import LONG, VOLUME, Chains

FIRST: dict[str, Any] = {"data_format": "channels_first"}


def models() -> dict[str, Callable[[], Any]]:
    """Builders by name."""
    chains = {**_pooling(), **_global_pooling(), **_adaptive(), **_margins(), **_resizing(), **_reshaping()}
    made = {name: lambda shape=shape, layers=layers: chain(shape, layers()) for name, (shape, layers) in chains.items()}
    merged = {
        name: lambda shapes=shapes, layer=layer: _merged(shapes, layer())
        for name, (shapes, layer) in _merging().items()
    }
    return {**made, **merged}


def _merged(shapes: list[tuple[int | None, ...]], layer: Any) -> Any:
    import keras

    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, layer(inputs))


def _pooling() -> Chains:
    from keras import layers as L

    made: Chains = {}
    for name, kind in (("max", "MaxPooling"), ("average", "AveragePooling")):
        one, two, three = (getattr(L, f"{kind}{rank}D") for rank in (1, 2, 3))
        made |= {
            f"{name}_1d": (LONG, lambda one=one: [one(2)]),
            f"{name}_1d_same": (LONG, lambda one=one: [one(3, 2, padding="same")]),
            f"{name}_1d_overlapping": (LONG, lambda one=one: [one(4, 1)]),
            f"{name}_1d_apart": (LONG, lambda one=one: [one(2, 3)]),
            f"{name}_1d_first": (LONG, lambda one=one: [one(3, **FIRST)]),
            f"{name}_2d": (IMAGE, lambda two=two: [two(2)]),
            f"{name}_2d_same": (IMAGE, lambda two=two: [two((3, 2), (2, 1), padding="same")]),
            f"{name}_2d_overlapping": (IMAGE, lambda two=two: [two(3, 1)]),
            f"{name}_2d_first": (IMAGE, lambda two=two: [two(2, **FIRST)]),
            f"{name}_2d_of_any_size": ((None, None, 3), lambda two=two: [two(2, padding="same")]),
            f"{name}_3d": (VOLUME, lambda three=three: [three(2)]),
            f"{name}_3d_same": (VOLUME, lambda three=three: [three((3, 2, 2), (2, 2, 1), padding="same")]),
            f"{name}_3d_flat": (VOLUME, lambda three=three: [three((1, 2, 2))]),
            f"{name}_3d_deep": (VOLUME, lambda three=three: [three((2, 1, 1))]),
            f"{name}_3d_first": (VOLUME, lambda three=three: [three(2, **FIRST)]),
        }
    return made


def _global_pooling() -> Chains:
    from keras import layers as L

    made: Chains = {}
    for name in ("Average", "Max"):
        for rank, shape in ((1, LONG), (2, IMAGE), (3, VOLUME)):
            kind = getattr(L, f"Global{name}Pooling{rank}D")
            made |= {
                f"global_{name.lower()}_{rank}d": (shape, lambda kind=kind: [kind()]),
                f"global_{name.lower()}_{rank}d_kept": (shape, lambda kind=kind: [kind(keepdims=True)]),
                f"global_{name.lower()}_{rank}d_first": (shape, lambda kind=kind: [kind(**FIRST)]),
            }
    return made


def _adaptive() -> Chains:
    from keras import layers as L

    made: Chains = {}
    if not hasattr(L, "AdaptiveMaxPooling1D"):
        return made  # they came with Keras 3.15
    for name in ("Average", "Max"):
        one, two, three = (getattr(L, f"Adaptive{name}Pooling{rank}D") for rank in (1, 2, 3))
        made |= {
            f"adaptive_{name.lower()}_1d": (LONG, lambda one=one: [one(4)]),
            f"adaptive_{name.lower()}_1d_uneven": (LONG, lambda one=one: [one(5)]),
            f"adaptive_{name.lower()}_1d_same": (LONG, lambda one=one: [one(16)]),
            f"adaptive_{name.lower()}_2d": (IMAGE, lambda two=two: [two((4, 2))]),
            f"adaptive_{name.lower()}_2d_uneven": (IMAGE, lambda two=two: [two((3, 5))]),
            f"adaptive_{name.lower()}_2d_mixed": (IMAGE, lambda two=two: [two((4, 3))]),
            f"adaptive_{name.lower()}_2d_larger": (IMAGE, lambda two=two: [two((8, 11))]),
            f"adaptive_{name.lower()}_2d_first": (IMAGE, lambda two=two: [two((4, 2), **FIRST)]),
            f"adaptive_{name.lower()}_3d": (VOLUME, lambda three=three: [three((2, 3, 5))]),
            f"adaptive_{name.lower()}_3d_uneven": (VOLUME, lambda three=three: [three((3, 4, 2))]),
        }
    # Keras' own AdaptiveMaxPooling2D(1) ends the process: its longer window does not fit.
    return made | {"adaptive_average_2d_one": (IMAGE, lambda: [L.AdaptiveAveragePooling2D(1)])}


def _margins() -> Chains:
    from keras import layers as L

    return {
        "padding_1d": (SEQUENCE, lambda: [L.ZeroPadding1D(1)]),
        "padding_1d_uneven": (SEQUENCE, lambda: [L.ZeroPadding1D((0, 2))]),
        "padding_1d_first": (SEQUENCE, lambda: [L.ZeroPadding1D(1, **FIRST)]),
        "padding_2d": (IMAGE, lambda: [L.ZeroPadding2D((1, 2))]),
        "padding_2d_uneven": (IMAGE, lambda: [L.ZeroPadding2D(((0, 1), (2, 3)))]),
        "padding_2d_first": (IMAGE, lambda: [L.ZeroPadding2D(((0, 1), (2, 3)), **FIRST)]),
        "padding_2d_of_any_size": ((None, 8, 3), lambda: [L.ZeroPadding2D(1)]),
        "padding_3d": (VOLUME, lambda: [L.ZeroPadding3D(1)]),
        "padding_3d_uneven": (VOLUME, lambda: [L.ZeroPadding3D(((0, 1), (2, 0), (1, 1)))]),
        "padding_3d_first": (VOLUME, lambda: [L.ZeroPadding3D((1, 0, 2), **FIRST)]),
        "cropping_1d": (SEQUENCE, lambda: [L.Cropping1D((1, 2))]),
        "cropping_1d_end": (SEQUENCE, lambda: [L.Cropping1D((2, 0))]),
        "cropping_2d": (IMAGE, lambda: [L.Cropping2D(((1, 0), (2, 3)))]),
        "cropping_2d_even": (IMAGE, lambda: [L.Cropping2D((1, 2))]),
        "cropping_2d_first": (IMAGE, lambda: [L.Cropping2D(((1, 2), (0, 3)), **FIRST)]),
        "cropping_2d_nothing": (IMAGE, lambda: [L.Cropping2D(0), L.ReLU()]),
        "cropping_3d": (VOLUME, lambda: [L.Cropping3D(1)]),
        "cropping_3d_uneven": (VOLUME, lambda: [L.Cropping3D(((0, 1), (2, 0), (1, 1)))]),
        "cropping_3d_first": (VOLUME, lambda: [L.Cropping3D((1, 2, 0), **FIRST)]),
    }


def _resizing() -> Chains:
    from keras import layers as L

    return {
        "up_1d": (SEQUENCE, lambda: [L.UpSampling1D(3)]),
        "up_1d_nothing": (SEQUENCE, lambda: [L.UpSampling1D(1), L.ReLU()]),
        "up_2d": (IMAGE, lambda: [L.UpSampling2D()]),
        "up_2d_uneven": (IMAGE, lambda: [L.UpSampling2D((3, 1))]),
        "up_2d_bilinear": (IMAGE, lambda: [L.UpSampling2D((3, 2), interpolation="bilinear")]),
        "up_2d_first": (IMAGE, lambda: [L.UpSampling2D(2, **FIRST)]),
        "up_2d_first_bilinear": (IMAGE, lambda: [L.UpSampling2D(2, interpolation="bilinear", **FIRST)]),
        "up_3d": (VOLUME, lambda: [L.UpSampling3D((2, 3, 1))]),
        "up_3d_flat": (VOLUME, lambda: [L.UpSampling3D((1, 2, 2))]),
        "up_3d_deep": (VOLUME, lambda: [L.UpSampling3D((2, 1, 1))]),
        "up_3d_first": (VOLUME, lambda: [L.UpSampling3D(2, **FIRST)]),
        "resizing": (IMAGE, lambda: [L.Resizing(5, 11)]),
        "resizing_smaller": (IMAGE, lambda: [L.Resizing(3, 3)]),
        "resizing_nearest": (IMAGE, lambda: [L.Resizing(5, 11, interpolation="nearest")]),
        "resizing_nothing": (IMAGE, lambda: [L.Resizing(8, 8), L.ReLU()]),
        "resizing_cropped": (IMAGE, lambda: [L.Resizing(5, 11, crop_to_aspect_ratio=True)]),
        "resizing_cropped_alone": ((8, 6, 3), lambda: [L.Resizing(6, 6, crop_to_aspect_ratio=True)]),
        "resizing_padded": (IMAGE, lambda: [L.Resizing(5, 11, pad_to_aspect_ratio=True)]),
        "resizing_padded_value": (
            IMAGE,
            lambda: [L.Resizing(12, 5, pad_to_aspect_ratio=True, fill_value=0.5, interpolation="nearest")],
        ),
        "resizing_first": (IMAGE, lambda: [L.Resizing(5, 6, **FIRST)]),
        "center_crop": (IMAGE, lambda: [L.CenterCrop(4, 5)]),
        "center_crop_nothing": (IMAGE, lambda: [L.CenterCrop(8, 8), L.ReLU()]),
        "center_crop_larger": (IMAGE, lambda: [L.CenterCrop(12, 5)]),
        "center_crop_first": (IMAGE, lambda: [L.CenterCrop(6, 2, **FIRST)]),
        "repeat": (FEATURES, lambda: [L.RepeatVector(4)]),
        "repeat_once": (FEATURES, lambda: [L.RepeatVector(1)]),
    }


def _reshaping() -> Chains:
    from keras import layers as L

    return {
        "flatten": (IMAGE, lambda: [L.Flatten()]),
        "flatten_volume": (VOLUME, lambda: [L.Flatten()]),
        "flatten_first": (IMAGE, lambda: [L.Flatten(**FIRST)]),
        "flatten_first_features": (FEATURES, lambda: [L.Flatten(**FIRST), L.ReLU()]),
        "flatten_scalars": ((), lambda: [L.Flatten()]),
        "reshape": (IMAGE, lambda: [L.Reshape((4, -1))]),
        "reshape_up": (FEATURES, lambda: [L.Reshape((3, 1, 2))]),
        "reshape_to_one": (IMAGE, lambda: [L.Reshape((-1,))]),
        "reshape_nothing": (IMAGE, lambda: [L.Reshape((8, 8, 4)), L.ReLU()]),
        "permute": (IMAGE, lambda: [L.Permute((3, 1, 2))]),
        "permute_sequence": (SEQUENCE, lambda: [L.Permute((2, 1))]),
        "permute_volume": (VOLUME, lambda: [L.Permute((2, 1, 4, 3))]),
        "permute_units": ((1, 8, 4), lambda: [L.Permute((2, 1, 3))]),
    }


def _merging() -> dict[str, tuple[list[tuple[int | None, ...]], Callable[[], Any]]]:
    from keras import layers as L

    kinds = {
        "add": L.Add, "subtract": L.Subtract, "multiply": L.Multiply, "average": L.Average, "maximum": L.Maximum,
        "minimum": L.Minimum,
    }  # fmt: skip
    made: dict[str, tuple[list[tuple[int | None, ...]], Callable[[], Any]]] = {}
    for name, kind in kinds.items():
        made[name] = ([IMAGE, IMAGE], kind)
        made[f"{name}_broadcast"] = ([IMAGE, (1, 1, 4)], kind)
        made[f"{name}_ranks"] = ([IMAGE, (4,)], kind)
        if name != "subtract":
            made[f"{name}_three"] = ([SEQUENCE, (1, 6), SEQUENCE], kind)
            made[f"{name}_four_ranks"] = ([(6,), SEQUENCE, (3, 5, 6), (5, 1)], kind)
    return made | {
        "add_outer": ([(5, 1), (1, 6)], L.Add),
        "concatenate": ([IMAGE, IMAGE], L.Concatenate),
        "concatenate_three": ([(5, 2), (5, 3), (5, 1)], L.Concatenate),
        "concatenate_axis_1": ([(5, 6), (2, 6)], lambda: L.Concatenate(axis=1)),
        "concatenate_axis_2": ([(5, 6, 2), (5, 1, 2)], lambda: L.Concatenate(axis=-2)),
        "concatenate_of_any_size": ([(None, 6), (4, 6)], lambda: L.Concatenate(axis=1)),
        "dot": ([(6,), (6,)], lambda: L.Dot(axes=1)),
        "dot_normalized": ([(6,), (6,)], lambda: L.Dot(axes=1, normalize=True)),
        "dot_sequences": ([(5, 6), (4, 6)], lambda: L.Dot(axes=2)),
        "dot_sequences_last": ([(5, 6), (4, 6)], lambda: L.Dot(axes=-1, normalize=True)),
        "dot_steps": ([(5, 6), (5, 3)], lambda: L.Dot(axes=1)),
        "dot_steps_normalized": ([(5, 6), (5, 3)], lambda: L.Dot(axes=1, normalize=True)),
        "dot_product": ([(5, 6), (6, 3)], lambda: L.Dot(axes=(2, 1))),
        "dot_vector": ([(5, 6), (6,)], lambda: L.Dot(axes=(2, 1))),
        "dot_vector_left": ([(5,), (5, 6)], lambda: L.Dot(axes=1)),
        "dot_images": ([(3, 4, 6), (6, 2, 5)], lambda: L.Dot(axes=(3, 1))),
        "dot_image_sequence": ([(3, 4, 6), (2, 4)], lambda: L.Dot(axes=(2, 2))),
    }
