"""A plan held against the targets it is deployed on, one rule per file."""

from qspec.lint.lints import LINTS
from qspec.lint.report import Report, check, lint

__all__ = ["LINTS", "Report", "check", "lint"]
