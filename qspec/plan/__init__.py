"""A spec and a model become decisions: which quantizer for which tensor, and who decided it."""

from qspec.plan.make import make_plan
from qspec.plan.plan import Decision, Origin, Plan, RangeGroup
from qspec.plan.representation import representation, same_scale

__all__ = ["Decision", "Origin", "Plan", "RangeGroup", "make_plan", "representation", "same_scale"]
