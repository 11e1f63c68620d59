"""`qspec inspect`"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qspec._check import read_graph
from qspec.cli.output import print_diagnostics, width
from qspec.diagnostics import Diagnostic
from qspec.diagnostics.json_format import document
from qspec.graph.layers import LayerGraph
from qspec.graph.operands import operand_name
from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.graph.tflite_file import Quantization, TfliteFile
from qspec.lint import Report


@dataclass(frozen=True, eq=False)
class Part:
    """A graph to list. `versions` and `quantization` are empty where ops are predicted; `layers` tells for each op,
    by its index, the paths of the layers in it, as far as that is known."""

    name: str
    graph: OpGraph
    layers: Mapping[int, tuple[str, ...]]
    versions: Mapping[int, int] = field(default_factory=dict)
    quantization: Mapping[int, Quantization] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Listing:
    """What is listed of a model: `facts` about the file, and its graphs, the model itself first."""

    path: str
    kind: str
    facts: Mapping[str, Any]
    parts: tuple[Part, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    """List the ops of a model; 1 if some of it could not be understood."""
    listing = read(arguments.file)
    if arguments.format == "json":
        # Piece by piece: the whole text of a file with many scales is large.
        sys.stdout.writelines(json.JSONEncoder(indent=2).iterencode(as_data(listing)))
        print()
    else:
        from qspec.cli.inspect_text import lines

        for line in lines(listing, width()):
            print(line)
        if listing.diagnostics:
            print()
            print_diagnostics(listing.diagnostics)
    return 0 if Report(listing.diagnostics).ok else 1


def read(path: str) -> Listing:
    """The ops of a `.tflite` file, or those that a `.keras` file becomes.

    Raises:
        SpecError: it is neither.
    """
    model = read_graph(path)
    return _predicted(path, model) if isinstance(model, LayerGraph) else written(path, model)


def _predicted(path: str, model: LayerGraph) -> Listing:
    from qspec.lowering import lower

    graph, diagnostics = lower(model)
    paths = [call.layer.path for call in model.calls]
    layers = {op.index: tuple(dict.fromkeys(paths[call] for call in op.calls)) for op in graph.ops}
    part = Part(model.name, graph, layers)
    return Listing(path, "keras", {"layers": len(set(paths))}, (part,), diagnostics)


def written(path: str, file: TfliteFile) -> Listing:
    """The ops of a `.tflite` file that was read."""
    parts = tuple(
        Part(
            body.name,
            body.graph,
            {op.index: (op.layer,) for op in body.graph.ops if file.has_layers and op.layer},
            body.versions,
            body.quantization,
        )
        for body in file.subgraphs
    )
    facts = {
        "size": file.size,
        "description": file.description,
        "metadata": list(file.metadata),
        "signatures": [
            {"name": each.name, "subgraph": each.subgraph, "inputs": each.inputs, "outputs": each.outputs}
            for each in file.signatures
        ],
    }
    return Listing(path, "tflite", facts, parts)


# ---- JSON


def as_data(listing: Listing) -> dict[str, Any]:
    """As plain data, the public contract of `--format json`: beside what every command has, `model` tells of the file,
    and `ops` are those of the model in execution order. Further graphs of a file stand in `subgraphs`."""
    main, *others = listing.parts
    model = {
        "path": listing.path,
        "kind": listing.kind,
        **listing.facts,
        "inputs": [_tensor_data(main, index) for index in main.graph.inputs],
        "outputs": [_tensor_data(main, index) for index in main.graph.outputs],
    }
    sections = {
        "model": model,
        "ops": list(_ops_data(main)),
        "subgraphs": [{"name": part.name, "ops": list(_ops_data(part))} for part in others],
    }
    return document(listing.diagnostics, sections)


def _ops_data(part: Part) -> Iterator[dict[str, Any]]:
    for op in part.graph.ops:
        layers = part.layers.get(op.index, ())
        yield {
            "op": op.kind,
            "version": part.versions.get(op.index),
            "layer": layers[0] if layers else None,
            "fused": list(layers[1:]),
            "attributes": {name: _finite(value) for name, value in op.attributes.items()},
            "inputs": [
                {"operand": name, **_tensor_data(part, index)} if index >= 0 else None for name, index in operands(op)
            ],
            "outputs": [_tensor_data(part, index) for index in op.outputs],
        }


def operands(op: Op) -> list[tuple[str, int]]:
    """The names of an op's operands and their tensors, -1 for an absent one."""
    return [(operand_name(op.kind, position), index) for position, index in enumerate(op.inputs)]


def _tensor_data(part: Part, index: int) -> dict[str, Any]:
    tensor: Tensor = part.graph.tensors[index]
    found = part.quantization.get(index, Quantization((), ()))
    several = len(found.scales) > 1
    return {
        "tensor": index,
        "name": tensor.name,
        "type": tensor.type,
        "shape": None if tensor.shape is None else list(tensor.shape),
        "constant": tensor.constant,
        "value": _finite(tensor.value),
        "scale": _finite(found.scales if several else next(iter(found.scales), None)),
        "zero_point": list(found.zero_points) if several else next(iter(found.zero_points), None),
        "axis": found.axis if several else None,
    }


def _finite(value: Any) -> Any:
    """JSON has no name for infinity, nor for what is no number."""
    if isinstance(value, tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
