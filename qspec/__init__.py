"""Declare how a Keras model is quantized, check it against the hardware, and ship integers that match what was trained.

`load`, `loads`, `check` and `register_lowering` need neither Keras nor TensorFlow; `apply`, `export`, `quantize`,
`verify`, `extract`, `strip` and `load_model` load them on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qspec._check import check, load, loads
    from qspec.diagnostics import Diagnostic, Severity, SpecError, SpecWarning
    from qspec.keras import apply, export, extract, load_model, quantize, strip, verify
    from qspec.lowering import register_lowering

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Severity",
    "SpecError",
    "SpecWarning",
    "apply",
    "check",
    "export",
    "extract",
    "load",
    "load_model",
    "loads",
    "quantize",
    "register_lowering",
    "strip",
    "verify",
]

_HOMES = {
    "qspec._check": ("check", "load", "loads"),
    "qspec.diagnostics": ("Diagnostic", "Severity", "SpecError", "SpecWarning"),
    "qspec.keras": ("apply", "export", "extract", "load_model", "quantize", "strip", "verify"),
    "qspec.lowering": ("register_lowering",),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'qspec' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
