"""The layer classes of Keras and the keys of their configs, known without Keras: it takes seconds to import."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

SHIPPED = Path(__file__).with_name("keras_layers.json")


@cache
def layer_classes() -> Mapping[str, tuple[str, ...]]:
    """Every layer class by name, with the keys of its config that its constructor names."""
    import json  # `qspec check` has no need of it

    found: dict[str, list[str]] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return {name: tuple(keys) for name, keys in found.items()}


def similar_classes(word: str) -> list[str]:
    """The class whose name is *word* but for capitals and underscores (`conv2d`, `max_pooling2d`), else those whose
    names are *word* without their dimensions (`conv`); none where neither is there."""
    plain = word.replace("_", "").lower()
    exact = [name for name in layer_classes() if name.lower() == plain]
    return exact or [name for name in layer_classes() if name[:-2].lower() == plain and name[-1] == "D"]


def is_attribute(word: str) -> bool:
    """Whether the config of a layer of Keras' has that key."""
    return any(word in keys for keys in layer_classes().values())
