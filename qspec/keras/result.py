"""What came out of an export: the file, how large it is, and how far simulation and integers agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qspec.diagnostics import Diagnostic, Severity
from qspec.keras.requirements import Measurement
from qspec.lint.report import Report
from qspec.litert.interpreter import Kernels
from qspec.litert.parity import Parity
from qspec.litert.predict import predict


@dataclass(frozen=True, eq=False)
class Result:
    """A written file. `path` and `size` (bytes) of it, its `parity`, the `report` of the check that preceded it, and
    `diagnostics` of the verification. `seconds` tells how long each stage took, `measurement` answers what
    a `require` may ask."""

    path: Path
    size: int
    parity: Parity
    report: Report
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    measurement: Measurement | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether verification found nothing wrong."""
        return not any(item.severity is Severity.ERROR for item in self.diagnostics)

    @property
    def sqnr(self) -> float | None:
        """The signal-to-quantization-noise ratio (dB) of the file's outputs against the float model's, on the samples
        that judged; measured when it is asked. None where no samples were given."""
        return None if self.measurement is None or self.measurement.samples is None else self.measurement.sqnr

    @property
    def accuracy(self) -> tuple[float, float] | None:
        """Of the float model and of the file, each a share of 0 to 1, on the samples that judged; measured when it is
        asked. None where they have no labels that are classes of the model's one output."""
        return None if self.measurement is None else self.measurement.accuracy

    def predict(self, inputs: Any, kernels: Kernels = "fast") -> Any:
        """The file's outputs (one array, or a list), dequantized to float32, for float *inputs*, samples first."""
        return predict(self.path.read_bytes(), inputs, kernels)
