"""All models of one layer, or of few, that lowering is held against the converter with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def one_layer_models() -> dict[str, Callable[[], Any]]:
    """What makes each model, by the name of its zoo and its own: `convolutions/conv_2d_same`."""
    from tests.lowering import (
        lowering_zoo,
        zoo_activations,
        zoo_attention,
        zoo_convolutions,
        zoo_masks,
        zoo_movement,
        zoo_preprocessing,
        zoo_recurrent,
    )

    zoos = {
        "activations": zoo_activations.models(),
        "attention": zoo_attention.models(),
        "convolutions": zoo_convolutions.models(),
        "masks": zoo_masks.models(),
        "movement": zoo_movement.models(),
        "preprocessing": zoo_preprocessing.models(),
        "recurrent": zoo_recurrent.models(),
        "single": {
            name: lambda shape=shape, layers=layers: lowering_zoo.chain(shape, layers())
            for name, (shape, layers) in lowering_zoo.single_layers().items()
        },
    }
    return {f"{zoo}/{name}": make for zoo, models in zoos.items() for name, make in models.items()}
