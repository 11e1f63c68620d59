"""The zoo, the whole way, as a command:

    python -m tests.zoo.run [--models PATTERN …] [--zoo one_layer operations composed] [--json OUT] [--post]

Every model is measured in a child process, which takes one after another; a model that ends its process is a line in
the report, and the next child goes on behind it. Prints a line for each model and a summary.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ZOOS = ("one_layer", "operations", "composed")
SLOWEST = 1200  # seconds for one model, unrolled recurrence on a busy machine


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--zoo", nargs="+", default=ZOOS, choices=ZOOS)
    parser.add_argument("--models", nargs="+", default=["*"], help="patterns of names, as conv*/…")
    parser.add_argument("--every", type=int, default=1, help="of N models the first")
    parser.add_argument("--json", type=Path, help="where to write the figures, a line for each model")
    parser.add_argument("--post", action="store_true", help="post-training only")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _child(arguments.models, arguments.zoo, train=not arguments.post)
        return
    names = [name for name in models(arguments.zoo) if any(fnmatch.fnmatch(name, each) for each in arguments.models)]
    names = names[:: arguments.every]
    found: dict[str, Any] = {}
    for name, figures in run(names, arguments.zoo, train=not arguments.post):
        found[name] = figures
        print(line(name, figures), flush=True)
        if arguments.json is not None:
            with arguments.json.open("a") as file:
                file.write(json.dumps({"model": name, **figures}) + "\n")
    from tests.zoo.summary import summary

    print(summary(found))


def models(zoos: Sequence[str] = ZOOS) -> dict[str, Callable[[], Any]]:
    """What makes each model, by `zoo/name`."""
    from tests.zoo import composed_models, one_layer

    made: dict[str, Callable[[], dict[str, Callable[[], Any]]]] = {
        "one_layer": one_layer.models,
        "operations": one_layer.operations,
        "composed": lambda: {f"composed/{name}": make for name, make in composed_models.models().items()},
    }
    return {name: make for zoo in zoos for name, make in made[zoo]().items()}


def run(names: Sequence[str], zoos: Sequence[str] = ZOOS, *, train: bool = True) -> Iterator[tuple[str, Any]]:
    """The figures of each model, as `measure` gives them; `{"died": …}` of one that ended its process."""
    waiting = list(names)
    while waiting:
        answered = 0
        with tempfile.TemporaryDirectory() as folder:
            asked = Path(folder) / "names.json"
            asked.write_text(json.dumps(waiting))
            command = [sys.executable, "-m", "tests.zoo.run", "--child", "--zoo", *zoos, "--models", str(asked)]
            child = subprocess.Popen(
                command + ["--post"] * (not train), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            assert child.stdout is not None
            for text in child.stdout:
                if text.startswith("{"):
                    answer = json.loads(text)
                    yield answer.pop("model"), answer
                    answered += 1
            code = child.wait()
        if answered < len(waiting):
            yield waiting[answered], {"died": f"exit status {code}"}
        waiting = waiting[answered + 1 :]


def _child(models_: Sequence[str], zoos: Sequence[str], *, train: bool) -> None:
    import signal

    from tests.zoo.measure import measure

    made = models(zoos)
    for name in json.loads(Path(models_[0]).read_text()):
        signal.alarm(SLOWEST)
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps({"model": name, **measure(made[name], Path(folder), train=train)}), flush=True)
        import keras

        keras.backend.clear_session()
    signal.alarm(0)
    sys.stdout.flush()
    os._exit(0)  # what libraries do at exit is no affair of the models


def line(name: str, figures: dict[str, Any]) -> str:
    """A model in one line."""
    if "died" in figures:
        return f"{name}: DIED, {figures['died']}"
    return f"{name}: " + "; ".join(f"{way} {_way(figures[way])}" for way in ("post", "trained") if way in figures)


def _way(figures: dict[str, Any]) -> str:
    if "error" in figures:
        return f"ERROR {figures['error'][:1]}"
    worst = max(figures["parity"].items(), key=lambda item: (item[1][0], -item[1][1]), default=("", [0, 1.0, 0]))
    parts = [
        "ok" if figures["ok"] else f"NOT OK {figures['problems'][:1]}",
        f"{figures['floats']} float" + f" UNEXPLAINED {figures['unexplained']}" * bool(figures["unexplained"]),
        f"{figures['sqnr']} dB",
        f"{worst[0]} {worst[1][0]} LSB {worst[1][1]:.2%}",
        f"kernels {figures['kernels']['reference']}/{figures['kernels']['fast']}",
        *(f"{kind} ALONE {pair}" for kind, pair in figures["kernels_of_ops"].items() if far(pair)),
        *(["loss not falling"] if figures.get("falling") is False else []),
        *(["NOT FINITE"] if figures.get("finite") is False else []),
    ]
    return ", ".join(parts)


def far(pair: dict[str, Any]) -> bool:
    """Whether the kernels of one op differ by more than 1 LSB from the built-in ones, or do not take it."""
    return any(value == "refused" or value > 1 for value in pair.values())


if __name__ == "__main__":
    main()
