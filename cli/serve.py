"""`mpt serve` and `mpt settings`: the HTTP service, by its own settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.console import notes
from model.errors import WeightsMissing


def serve(
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="0.0.0.0 opens it to the network.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 picks a free one.", show_default=False)] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For mode=zero-shot.", show_default=False)
    ] = None,
    fine_tuned_checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For mode=fine-tuned.", show_default=False)
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings as TOML; MPT_CONFIG.", show_default=False)
    ] = None,
) -> None:
    """Serve the page and the HTTP API, by default on http://localhost:8000.

    All else is set as `mpt settings` lists it: in a file (--config), or in the environment, MPT_ and the name in
    capitals. Options win over the environment, and the environment over the file.
    """
    options = {
        "HOST": host,
        "PORT": port,
        "CHECKPOINT": checkpoint,
        "FINE_TUNED_CHECKPOINT": fine_tuned_checkpoint,
        "DEVICE": device,
        "CONFIG": config,
    }
    os.environ.update({f"MPT_{name}": str(value) for name, value in options.items() if value is not None})

    from cli.model_loading import settings_in_force
    from service.__main__ import main
    from weights.fetch import fetch

    settings_in_force()
    try:
        fetch()
    except WeightsMissing as error:  # an export needs none of them, and else the service says so itself
        notes.print(str(error))
    raise typer.Exit(main())


def settings() -> None:
    """Print the settings in force as a file for `mpt serve --config`. Keys are left out."""
    from cli.model_loading import settings_in_force
    from service.settings import to_toml

    typer.echo(to_toml(settings_in_force()), nl=False)
