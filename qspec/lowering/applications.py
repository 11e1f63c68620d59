"""The layers that models of `keras.applications` bring along."""

from __future__ import annotations

from qspec.graph.ops import Source
from qspec.lowering.site import Site, Unsupported
from qspec.lowering.writing import binary


def layer_scale(site: Site) -> int:
    """ConvNeXt's `LayerScale`: MUL with `inner["gamma"]`, one factor for each channel."""
    tensor = site.single_input()
    channels = site.config["projection_dim"].integer(1)
    gamma = site.inner_constant("gamma", (channels,), source=Source("gamma"))
    return binary(site, "MUL", tensor, gamma, site.output)


def custom_scale(site: Site) -> int:
    """Inception-ResNet's `CustomScaleLayer`: the first input and the second times `inner["multiplier"]`."""
    if len(site.inputs) != 2:
        raise Unsupported(f"it is called with {len(site.inputs)} tensors, and takes two")
    multiplier = site.inner_constant("multiplier", (), site.config["scale"].number())
    scaled = binary(site, "MUL", site.input(1), multiplier, site.inner("scaled"))
    return binary(site, "ADD", site.input(0), scaled, site.output)
