"""What `qspec check` loads on its way to a spec: neither numbers nor frameworks, nor the tools behind the tables."""

import subprocess
import sys

HEAVY = {"numpy", "keras", "tensorflow", "ai_edge_litert", "lark", "pydantic", "hypothesis", "difflib"}
TEXT = 'qspec 1\nimport "std/int8.qspec"\ndeploy edgetpu(runtime = 14)\ninput { type = int8, batch = 1 }\n'


def test_a_clean_spec_loads_nothing_heavy():
    script = f"import sys, qspec.schema as s; s.loads({TEXT!r}); print(sorted({HEAVY!r} & set(sys.modules)))"

    assert "[]\n" == subprocess.check_output([sys.executable, "-c", script], text=True)
