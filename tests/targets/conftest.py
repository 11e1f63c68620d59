"""Figures of the Vela oracle: models, ops and agreements of each variant, behind pytest's own report."""

from __future__ import annotations

from typing import Any

from tests.targets.vela_oracle import COMPARISONS, CONFIGURATIONS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print a line for each variant that models were compiled for."""
    for variant in CONFIGURATIONS:
        made = [each for each in COMPARISONS if each.variant == variant]
        if made:
            ops, wrong = (sum(getattr(each, name) for each in made) for name in ("ops", "disagreements"))
            whole = sum(each.disagreements == 0 for each in made)
            stopped = sum(each.stopped for each in made)
            terminalreporter.write_line(
                f"vela, {variant}: {len(made)} models ({stopped} stop it), {whole} agree; of {ops} ops {ops - wrong}"
            )
