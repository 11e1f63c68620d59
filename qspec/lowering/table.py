"""The lowering table: which function writes the ops of which Keras layer class."""

from __future__ import annotations

from collections.abc import Mapping

from qspec.lowering import (
    activations,
    convolutions,
    dense,
    merging,
    normalization,
    passing,
    pooling,
    shaping,
)
from qspec.lowering.site import Lowering

LOWERINGS: dict[str, Lowering] = {
    "Conv1D": convolutions.convolution(1),
    "Conv2D": convolutions.convolution(2),
    "DepthwiseConv1D": convolutions.depthwise_convolution(1),
    "DepthwiseConv2D": convolutions.depthwise_convolution(2),
    "SeparableConv1D": convolutions.separable_convolution(1),
    "SeparableConv2D": convolutions.separable_convolution(2),
    "Dense": dense.dense,
    "BatchNormalization": normalization.batch_normalization,
    "LayerNormalization": normalization.layer_normalization,
    "GroupNormalization": normalization.group_normalization,
    "RMSNormalization": normalization.rms_normalization,
    "UnitNormalization": normalization.unit_normalization,
    "Normalization": normalization.normalization,
    "Rescaling": normalization.rescaling,
    "Activation": activations.layer("Activation"),
    "ReLU": activations.layer("ReLU"),
    "LeakyReLU": activations.layer("LeakyReLU"),
    "PReLU": activations.layer("PReLU"),
    "ELU": activations.layer("ELU"),
    "Softmax": activations.softmax,
    "Add": merging.merge("ADD"),
    "Subtract": merging.subtract,
    "Multiply": merging.merge("MUL"),
    "Average": merging.average,
    "Maximum": merging.merge("MAXIMUM"),
    "Minimum": merging.merge("MINIMUM"),
    "Concatenate": merging.concatenate,
    "MaxPooling1D": pooling.pooling("MAX_POOL_2D", 1),
    "MaxPooling2D": pooling.pooling("MAX_POOL_2D", 2),
    "MaxPooling3D": pooling.pooling("MAX_POOL_2D", 3),
    "AveragePooling1D": pooling.pooling("AVERAGE_POOL_2D", 1),
    "AveragePooling2D": pooling.pooling("AVERAGE_POOL_2D", 2),
    "AveragePooling3D": pooling.pooling("AVERAGE_POOL_2D", 3),
    "GlobalAveragePooling1D": pooling.global_pooling("MEAN", 1),
    "GlobalAveragePooling2D": pooling.global_pooling("MEAN", 2),
    "GlobalAveragePooling3D": pooling.global_pooling("MEAN", 3),
    "GlobalMaxPooling1D": pooling.global_pooling("REDUCE_MAX", 1),
    "GlobalMaxPooling2D": pooling.global_pooling("REDUCE_MAX", 2),
    "GlobalMaxPooling3D": pooling.global_pooling("REDUCE_MAX", 3),
    "ZeroPadding1D": shaping.zero_padding(1),
    "ZeroPadding2D": shaping.zero_padding(2),
    "ZeroPadding3D": shaping.zero_padding(3),
    "Cropping1D": shaping.cropping(1),
    "Cropping2D": shaping.cropping(2),
    "Cropping3D": shaping.cropping(3),
    "Flatten": shaping.flatten,
    "Reshape": shaping.reshape,
    "Permute": shaping.permute,
    "Dropout": passing.passing,
    "SpatialDropout1D": passing.passing,
    "SpatialDropout2D": passing.passing,
    "SpatialDropout3D": passing.passing,
    "AlphaDropout": passing.passing,
    "GaussianDropout": passing.passing,
    "GaussianNoise": passing.passing,
    "ActivityRegularization": passing.passing,
    "Identity": passing.passing,
    "StochasticDepth": passing.passing,
}
"""The classes that most models have; the others stand in `further_layers`, which is read when a model has one. Built-in
classes only; `InputLayer` is the graph's beginning and not here."""

REGISTERED: dict[str, Lowering] = {}
"""What `register_lowering` was told of classes that are not Keras' own."""


def lowering_of(class_name: str) -> Lowering | None:
    """The function for a class of Keras' own; None where there is none."""
    found = LOWERINGS.get(class_name)
    return all_lowerings().get(class_name) if found is None else found


def all_lowerings() -> Mapping[str, Lowering]:
    """The whole table."""
    from qspec.lowering.further_layers import WHOLE

    return WHOLE


def register_lowering(class_name: str, lowering: Lowering | str) -> None:
    """Tell which ops the layers of a class of your own become.

    *lowering* is the name of Keras' class that they compute as, in the same words of their config and with variables of
    the same names; or a function that writes the ops of one call, as those of `qspec.lowering` do: it takes a `Site`
    and returns the id of the result's tensor, or several. What it writes is held against the layer's own call when
    the model is prepared.

    Raises:
        ValueError: there is no lowering for that class of Keras'.
    """
    found = lowering_of(lowering) if isinstance(lowering, str) else lowering
    if found is None:
        raise ValueError(f"there is no lowering for Keras' class `{lowering}`")
    REGISTERED[class_name] = found
