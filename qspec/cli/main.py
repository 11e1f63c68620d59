"""The commands and their arguments. Exit codes: 0 clean or warnings only, 1 errors, 2 wrong usage."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import qspec


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    if arguments is None:
        # The process is the command's alone and ends with it: nobody need look through its memory for what is unused.
        atexit.register(gc.freeze)
        # Nearly all that a command makes lives to its end, and looking through it again and again takes a third of its
        # time: look seldom.
        gc.set_threshold(200_000, 20, 20)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal or a file of another encoding than UTF-8 gets an escape for what it cannot hold.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return _run(_parser().parse_args(arguments))
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:  # the reader (`head`, a closed pager) has seen enough
        return _cannot_print()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("qspec: the output cannot be written: no space left on the device", file=sys.stderr)
        return _cannot_print()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _run(parsed: argparse.Namespace) -> int:
    # A command's module is imported only when it runs: some of them need seconds.
    command = import_module(f"qspec.cli.{parsed.command}")
    try:
        return int(command.run(parsed))
    except qspec.SpecError as error:
        from qspec.cli.output import print_diagnostics

        print_diagnostics(error.diagnostics, getattr(parsed, "format", "full"))
        return 1


def _cannot_print() -> int:
    # The interpreter writes what is left at its exit, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qspec",
        description=qspec.__doc__.split("\n")[0] if qspec.__doc__ else "",
        epilog="`qspec COMMAND --help` tells more about a command. "
        "Exit status: 0 without errors (warnings do not count), 1 with errors, 2 for wrong usage.",
    )
    version = f"qspec {qspec.__version__}"
    parser.add_argument("-V", "--version", action="version", version=version, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    _add_check(_command(commands, "check", "check specs and .tflite files, alone or against a model and targets"))
    _add_fmt(_command(commands, "fmt", "lay out specs in the one canonical way"))
    _add_quantize(_command(commands, "quantize", "quantize a trained model by a spec: calibrate, write, verify"))
    _add_verify(_command(commands, "verify", "hold a .tflite file against the spec and the model that it comes from"))
    _add_inspect(
        _command(commands, "inspect", "print the ops of a model: types, scales, and the layers they come from")
    )
    _add_targets(_command(commands, "targets", "print the shipped targets, or the capability table of one"))
    _add_explain(_command(commands, "explain", "print the page of a code, or what a spec decides for each layer"))
    _add_schema(_command(commands, "schema", "print a spec as JSON, everything looked up; or the JSON Schema of that"))
    _command(commands, "server", "serve an editor: the Language Server Protocol on standard input and output")
    _add_demo(_command(commands, "demo", "go the whole way on handwritten digits: train, check, quantize, compare"))
    return parser


def _command(commands: Any, name: str, purpose: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
    )
    return parser


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a .qspec file, a .tflite file, or a folder: all .qspec files in it; - reads a spec from standard input",
    )
    parser.add_argument(
        "--model", metavar="MODEL", help="a .keras or .tflite file; it is read as data, nothing is executed"
    )
    target = "hold the model against this target too, a shipped one or the spec's own, with options as in `deploy`: "
    target += "edgetpu, 'edgetpu(runtime = 13)', 'ethos_u(variant = \"u65\")'; may be repeated"
    parser.add_argument("--target", action="append", default=[], metavar="NAME", help=target)
    exact = "also ask TensorFlow's converter what it makes of the model, which Keras loads for it"
    parser.add_argument("--exact", action="store_true", help=exact)
    select = "tell these warnings and notes alone: codes, their beginnings (QS3) or names, with commas between them; "
    select += "may be repeated; errors are always told"
    parser.add_argument("--select", action="append", default=[], metavar="CODES", help=select)
    ignore = "leave these warnings and notes out; of several beginnings that fit a code the longest decides"
    parser.add_argument("--ignore", action="append", default=[], metavar="CODES", help=ignore)
    most = "exit with 1 if there are more warnings than that"
    parser.add_argument("--max-warnings", type=_count, metavar="NUMBER", help=most)
    formats = "full (default), concise: a line for each problem, json, sarif (2.1.0), or github: workflow commands"
    choices = ("full", "concise", "json", "sarif", "github")
    parser.add_argument("--format", choices=choices, default="full", metavar="FORMAT", help=formats)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of warnings, found `{text}`")
    return int(text)


def _add_fmt(parser: argparse.ArgumentParser) -> None:
    files = "a .qspec file, or a folder: all .qspec files in it; - formats standard input to standard output"
    parser.add_argument("files", nargs="+", metavar="FILE", help=files)
    check = "write nothing; exit with 1 if a file is laid out otherwise"
    parser.add_argument("--check", action="store_true", help=check)
    parser.add_argument("--diff", action="store_true", help="write nothing; print what would change")


def _add_quantize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a .qspec file")
    parser.add_argument("--model", required=True, metavar="MODEL", help="the float model, a .keras file")
    data = "samples to calibrate with: a .npy file, or a .npz file with an array for each input (labels: y)"
    parser.add_argument("--data", required=True, metavar="DATA", help=data)
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the .tflite file to write")


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .tflite file")
    parser.add_argument("--spec", required=True, metavar="SPEC", help="the .qspec file it was made by")
    parser.add_argument("--model", required=True, metavar="MODEL", help="the float .keras file, or the trained one")
    parser.add_argument("--data", required=True, metavar="DATA", help="samples to judge by, a .npy or .npz file")
    calibration = "the samples that `quantize` calibrated a float model with (default: those of --data)"
    parser.add_argument("--calibration", metavar="DATA", help=calibration)


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    file = "a .tflite file, or a .keras file: then the ops that it becomes"
    parser.add_argument("file", metavar="FILE", help=file)
    formats = "full (default) or json"
    parser.add_argument("--format", choices=("full", "json"), default="full", metavar="FORMAT", help=formats)


def _add_targets(parser: argparse.ArgumentParser) -> None:
    name = "a shipped target, or a .qspec file that defines targets"
    parser.add_argument("name", nargs="?", metavar="NAME", help=name)
    option = "choose an option of the target, as runtime=13 or variant=u65; may be repeated"
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help=option)
    formats = "full (default) or json"
    parser.add_argument("--format", choices=("full", "json"), default="full", metavar="FORMAT", help=formats)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    subject = "a code (QS301) or its name (unmatched-rule): its page; the beginning of codes (QS3): a list of them; "
    subject += "a .qspec file: what it decides; without: a list of all codes"
    parser.add_argument("subject", nargs="?", metavar="CODE|SPEC", help=subject)
    parser.add_argument("--model", metavar="MODEL", help="with a spec: the .keras file to explain it for")
    parser.add_argument("--layer", metavar="PATH", help="with a spec: this layer alone, in full")
    formats = "full (default) or json"
    parser.add_argument("--format", choices=("full", "json"), default="full", metavar="FORMAT", help=formats)


def _add_schema(parser: argparse.ArgumentParser) -> None:
    spec = "a .qspec file; - reads standard input; without it, the JSON Schema (draft 2020-12)"
    parser.add_argument("spec", nargs="?", metavar="SPEC", help=spec)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, metavar="NUMBER", help="default: 0")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the files it writes in this folder")
