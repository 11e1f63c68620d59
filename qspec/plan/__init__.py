"""A spec and a model become decisions: which quantizer for which tensor, and who decided it.

Nothing is imported here: a spec that is checked alone asks `plan.support`, and needs nothing else of this room.
"""
