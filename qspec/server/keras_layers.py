"""The layer classes of Keras and the keys of their configs, known without Keras: it takes seconds to import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SHIPPED = Path(__file__).with_name("keras_layers.json")


@cache
def layer_classes() -> Mapping[str, tuple[str, ...]]:
    """Every layer class by name, with the keys of its config that its constructor names."""
    found: dict[str, list[str]] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return {name: tuple(keys) for name, keys in found.items()}
