"""What rules about files look at: file, spec (an empty one where there is none), and where the targets run what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from qspec.diagnostics import Diagnostic, Place, Span
from qspec.diagnostics.text import ELLIPSIS
from qspec.graph.ops import Op, Tensor
from qspec.graph.tflite_file import Quantization, Subgraph, TfliteFile
from qspec.lint.facts import Deployed
from qspec.schema.spec import Spec
from qspec.targets import Judge, Representation, Table, place


@dataclass(frozen=True)
class FileFacts:
    """A file held against a spec, and placed on every target that the spec or the command names: on none if its ops
    are in no order in which they could run."""

    spec: Spec
    file: TfliteFile
    deployed: tuple[Deployed, ...]

    @property
    def place(self) -> Place:
        """The file, for what concerns it alone."""
        return Place(self.file.path)

    def place_of(self, deployed: Deployed) -> Span | Place:
        """The `deploy` that asks for a target; the file, where no line does."""
        written = deployed.deploy.span is not deployed.deploy.target.span
        return deployed.deploy.span if written else self.place


FileLint = Callable[[FileFacts], Iterator[Diagnostic]]


def gather(spec: Spec, file: TfliteFile) -> FileFacts:
    """Place the file's ops on every target that *spec* deploys."""
    body = file.main
    stored = representation(body)
    judge = Judge(body.graph, stored, body.versions)
    deployed = []
    for deploy in spec.deploys:
        table = Table(deploy.target, deploy.options)
        deployed.append(Deployed(deploy, table, place(table, body.graph, stored, body.versions, judge=judge)))
    return FileFacts(spec, file, tuple(deployed))


def representation(body: Subgraph) -> Callable[[int], Representation]:
    """How each tensor of *body* is stored, in the words in which capability tables ask."""

    @cache
    def of(tensor: int) -> Representation:
        type_ = body.graph.tensors[tensor].type
        found = body.quantization.get(tensor)
        if found is None or type_.startswith("float"):
            return Representation(type_)
        stored = _quantized(type_, found)
        # Zeros are zeros in every scale; writers merge such biases of different layers.
        return replace(stored, scale=None) if tensor in body.zeros else stored

    return of


def _quantized(type_: str, found: Quantization) -> Representation:
    if found.details:
        return Representation(type_, granularity="per_block")
    if not found.scales:
        return Representation(type_)
    zero_point = found.zero_points[0] if len(set(found.zero_points)) == 1 else None
    scheme: Literal["symmetric", "asymmetric"] = "asymmetric" if any(found.zero_points) else "symmetric"
    if len(found.scales) > 1:
        return Representation(type_, scheme, "per_channel", found.axis, None, zero_point)
    return Representation(type_, scheme, "per_tensor", None, found.scales[0], zero_point or 0)


# ---- words

_LONGEST_NAME = 60


def op_words(op: Op) -> str:
    """An op as messages name it: CONV_2D of `stem`."""
    kind = f"{op.kind} {op.attributes['custom_code']}" if "custom_code" in op.attributes else op.kind
    return f"{kind} of `{_shortened(op.layer)}`" if op.layer else f"{kind} (op {op.index})"


def tensor_words(tensor: Tensor) -> str:
    """A tensor as messages name it."""
    name = tensor.name.split(";")[0]
    return f"`{_shortened(name)}`" if name else f"tensor {tensor.id}"


def _shortened(name: str) -> str:
    """The end of a long name, where names differ."""
    return name if len(name) <= _LONGEST_NAME else ELLIPSIS + name[-_LONGEST_NAME:]


def and_more(count: int, what: str = "more") -> str:
    """How many others there are like the one told."""
    return f" (and {count} {what})" if count else ""
