"""A plan held against the targets it is deployed on, one rule per file."""

from qspec.lint.report import Report, check

__all__ = ["Report", "check"]
