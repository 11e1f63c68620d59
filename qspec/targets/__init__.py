"""Capability tables: may this op run so on the target, what does the target ask of a plan, and what runs where."""

from qspec.targets.alike import Judge, KnownConstraints
from qspec.targets.constraints import ConstantChoice, Constraints
from qspec.targets.cut import Coverage, Obstacle
from qspec.targets.placement import PlacedOp, Placement, place
from qspec.targets.table import Table
from qspec.targets.verdict import Outcome, Reason, Representation, Verdict
from qspec.targets.versions import version_of

__all__ = [
    "ConstantChoice",
    "Constraints",
    "Coverage",
    "Judge",
    "KnownConstraints",
    "Obstacle",
    "Outcome",
    "PlacedOp",
    "Placement",
    "Reason",
    "Representation",
    "Table",
    "Verdict",
    "place",
    "version_of",
]
