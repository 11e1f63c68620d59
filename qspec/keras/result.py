"""What came out of an export: the file, how large it is, and how far simulation and integers agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qspec.diagnostics import Diagnostic, Severity
from qspec.lint.report import Report
from qspec.litert.interpreter import Kernels
from qspec.litert.parity import Parity
from qspec.litert.predict import predict


@dataclass(frozen=True, eq=False)
class Result:
    """A written file. `path` and `size` (bytes) of it, its `parity`, the `report` of the check that preceded it, and
    `diagnostics` of the verification. `seconds` tells how long each stage took."""

    path: Path
    size: int
    parity: Parity
    report: Report
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether verification found nothing wrong."""
        return not any(item.severity is Severity.ERROR for item in self.diagnostics)

    def predict(self, inputs: Any, kernels: Kernels = "fast") -> Any:
        """The file's outputs (one array, or a list), dequantized to float32, for float *inputs*, samples first."""
        return predict(self.path.read_bytes(), inputs, kernels)
