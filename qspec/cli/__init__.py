"""The command `qspec`: parse arguments, call, render."""

from qspec.cli.main import main

__all__ = ["main"]
