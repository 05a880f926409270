"""Commands that other parts of the project have already: `mpt` passes their options on as they stand."""

from __future__ import annotations

import importlib
import sys

import typer

from cli.extras import require

AS_IT_STANDS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""For Typer: even --help is the other part's."""


def pretrain(context: typer.Context) -> None:
    """Pre-train a network on motion capture alone. `mpt pretrain --help` lists the options."""
    require("train", "Training")
    _run("training.pretrain", context)


def finetune(context: typer.Context) -> None:
    """Fine-tune a network on images, from end to end or with its backbone frozen. `mpt finetune --help` lists more."""
    require("train", "Training")
    _run("training.finetune", context)


def evaluate(context: typer.Context) -> None:
    """Score checkpoints on held-out data. `mpt evaluate --help` lists the options."""
    require("train", "Evaluation")
    _run("training.evaluate", context)


def export(context: typer.Context) -> None:
    """Export a checkpoint to ONNX, which serves it faster on a CPU. `mpt export --help` lists the options."""
    require("onnx-cpu", "Export")
    _run("model.runtime.export", context)


def convert_body(context: typer.Context) -> None:
    """Convert SMPL's or MANO's pickle to npz, without chumpy. `mpt convert-body --help` lists the options."""
    _run("training.bodies.convert", context)


def _run(module: str, context: typer.Context) -> None:
    """Run a module's `main`, which reads `sys.argv`, as `python -m` would.

    Raises:
        SystemExit: It ended early; the status is its own.
        typer.Exit: It returned a status.
    """
    before = sys.argv
    sys.argv = [context.command_path, *context.args]
    try:
        status = importlib.import_module(module).main()
    finally:
        sys.argv = before
    raise typer.Exit(status or 0)
