"""Runs models in a process of its own, since some kill it: `python runtime_child.py RESOLVER JOBS RESULTS FIRST`.

Jobs are pickled pairs of a model and its inputs. Each result is appended when it is there: the outputs and the names of
the ops in the order of execution, or the text of an error.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any


def run(model: bytes, inputs: list[Any], resolver: Any) -> Any:
    """The outputs and the ops of a model."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
    return outputs, [op["op_name"] for op in interpreter._get_ops_details()]


def main(resolver: str, jobs: str, results: str, first: int) -> None:
    """Run the jobs from number *first* on."""
    from ai_edge_litert.interpreter import OpResolverType

    with open(results, "ab") as stream:
        for model, inputs in pickle.loads(Path(jobs).read_bytes())[first:]:
            try:
                result = run(model, inputs, OpResolverType[resolver])
            except Exception as error:  # whatever it is, the runtime did not take the model
                result = f"{type(error).__name__}: {error}"
            stream.write(pickle.dumps(result))
            stream.flush()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
