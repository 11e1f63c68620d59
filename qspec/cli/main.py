"""The commands and their arguments. Exit codes: 0 clean or warnings only, 1 errors, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import qspec


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    # A command's module is imported only when it runs: some of them need seconds.
    command = import_module(f"qspec.cli.{parsed.command}")
    try:
        return int(command.run(parsed))
    except qspec.SpecError as error:
        from qspec.cli.output import print_diagnostics

        print_diagnostics(error.diagnostics, getattr(parsed, "format", "full"))
        return 1
    except BrokenPipeError:
        # The reader (`head`, a closed pager) has seen enough; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qspec", description=qspec.__doc__.split("\n")[0] if qspec.__doc__ else "")
    parser.add_argument("--version", action="version", version=f"qspec {qspec.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="check specs, alone or against a model and its targets")
    check.add_argument("files", nargs="+", metavar="SPEC", help="a .qspec file; `-` reads standard input")
    check.add_argument("--model", metavar="MODEL", help="a .keras file; it is read as data, never executed")
    check.add_argument("--target", action="append", default=[], metavar="NAME", help="a target to check as well")
    check.add_argument("--format", choices=("full", "concise", "json"), default="full", help="default: full")

    quantize = commands.add_parser("quantize", help="post-training quantization: calibrate, write, verify")
    quantize.add_argument("spec", metavar="SPEC")
    quantize.add_argument("--model", required=True, metavar="MODEL", help="a .keras file")
    quantize.add_argument("--data", required=True, metavar="DATA", help=".npy or .npz samples to calibrate with")
    quantize.add_argument("-o", "--output", required=True, metavar="OUT", help="the .tflite file to write")

    verify = commands.add_parser("verify", help="hold a .tflite file against spec and model")
    verify.add_argument("file", metavar="FILE", help="the .tflite file")
    verify.add_argument("--spec", required=True, metavar="SPEC")
    verify.add_argument("--model", required=True, metavar="MODEL", help="the float .keras file, or the trained one")
    verify.add_argument("--data", required=True, metavar="DATA", help=".npy or .npz samples to judge parity with")
    verify.add_argument("--calibration", metavar="DATA", help="what a float model was calibrated with")

    demo = commands.add_parser("demo", help="the whole way on handwritten digits")
    demo.add_argument("--seed", type=int, default=0, help="default: 0")
    demo.add_argument("--json", action="store_true", help="print the figures as JSON")
    demo.add_argument("--keep", metavar="FOLDER", help="keep the files it writes in this folder")
    return parser
