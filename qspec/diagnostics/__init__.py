"""What qspec says to people: one diagnostic value, the catalogue of its codes, and the renderers."""

from qspec.diagnostics.diagnostic import (
    Code,
    Diagnostic,
    Diagnostics,
    Edit,
    Fix,
    Place,
    Severity,
    Source,
    Span,
    SpecError,
)

__all__ = ["Code", "Diagnostic", "Diagnostics", "Edit", "Fix", "Place", "Severity", "Source", "Span", "SpecError"]
