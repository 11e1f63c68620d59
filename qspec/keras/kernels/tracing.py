"""Whether the ops that run are traced for the converter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Alone = Callable[[Any], Any]
"""From a tensor that an op reads to a stand-in for it that no other op reads, if there is one."""

_ALONE: ContextVar[Alone | None] = ContextVar("alone", default=None)


@contextmanager
def traced_for_a_file(alone: Alone) -> Iterator[None]:
    """What is traced inside is converted, and never executed; each op reads *alone* what is shown to it."""
    token = _ALONE.set(alone)
    try:
        yield
    finally:
        _ALONE.reset(token)


def is_for_a_file() -> bool:
    """Whether what runs now is traced for the converter, which has a graph of its own to be made of it."""
    return _ALONE.get() is not None


def read_alone(values: list[Any]) -> list[Any]:
    """The operands of an op, as no other op reads them.

    The converter joins what is equal in two ops before it recognizes either of them in what TensorFlow makes of it: x/2
    in GELU and in a MUL, -x in PRELU and in a NEG.
    """
    alone = _ALONE.get()
    if alone is None:
        return values
    seen = {id(value): value for value in values if value is not None}
    instead = {key: alone(value) for key, value in seen.items()}
    return [instead.get(id(value)) for value in values]
