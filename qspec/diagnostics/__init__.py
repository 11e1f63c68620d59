"""What qspec says to people: one diagnostic value, the catalogue of its codes, and the renderers."""

from qspec.diagnostics.diagnostic import (
    Advice,
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
    SpecWarning,
    writing,
)

__all__ = [
    "Advice",
    "Code",
    "Diagnostic",
    "Diagnostics",
    "Edit",
    "Fix",
    "Place",
    "Severity",
    "Source",
    "Span",
    "SpecError",
    "SpecWarning",
    "writing",
]
