"""Model files that an editor is told of, read again when they change."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qspec.diagnostics import SpecError

if TYPE_CHECKING:
    from qspec.graph.layers import LayerGraph
    from qspec.graph.tflite_file import TfliteFile

Stamp = tuple[int, int] | None
"""When a file was changed last, in nanoseconds, and its size in bytes; None if there is none."""


def stamp_of(path: str) -> Stamp:
    """What tells a file from a later state of it."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


@dataclass(eq=False)
class Models:
    """What was read of model files, each with the state of the file that it was read from."""

    _read: dict[str, tuple[Stamp, LayerGraph | TfliteFile | SpecError]] = field(default_factory=dict)

    def graph(self, path: str) -> LayerGraph | TfliteFile:
        """What the `.keras` or `.tflite` file at *path* holds.

        Raises:
            SpecError: it cannot be read.
        """
        from qspec._check import read_graph

        stamp = stamp_of(path)
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            try:
                known = stamp, read_graph(path)
            except SpecError as error:
                known = stamp, error
            self._read[path] = known
        if isinstance(known[1], SpecError):
            raise known[1]
        return known[1]

    def layers(self, path: str | None) -> LayerGraph | None:
        """The layers of the model at *path*; None where there are none to read."""
        from qspec.graph.layers import LayerGraph

        if path is None:
            return None
        try:
            graph = self.graph(path)
        except SpecError:
            return None
        return graph if isinstance(graph, LayerGraph) else None
