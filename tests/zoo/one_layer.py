"""Models of one layer, or of few: every layer class and every activation of Keras, each several ways.

They are those that lowering was made with; `tests/lowering/test_zoo_covers_keras.py` says that none is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering import zoo_operations, zoos


def models() -> dict[str, Callable[[], Any]]:
    """What makes each model, by the name of its zoo and its own."""
    return zoos.one_layer_models()


def operations() -> dict[str, Callable[[], Any]]:
    """Raw operations, by `operations/name`."""
    return {f"operations/{name}": make for name, make in zoo_operations.models().items()}
