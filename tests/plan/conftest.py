from tests.plan.plan_helpers import small  # noqa: F401
