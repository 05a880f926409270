"""The command `mpt` and its subcommands. What takes long to import is imported by the command that needs it."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from cli import passthrough, weights
from cli.console import results
from cli.doctor import doctor
from cli.errors import Sentences
from cli.explain import explain
from cli.reconstruct import reconstruct
from cli.serve import serve, settings

_EXIT_CODES = """\
**Exit codes**: 0 all went well; 1 the command could not do its work; 2 the command line is wrong; 3 some inputs could
not be used, or not be read to their end, the others are done; 130 interrupted.
"""

app = typer.Typer(
    cls=Sentences,
    name="mpt",
    rich_markup_mode="markdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
)


def _version(wanted: bool) -> None:
    if wanted:
        results.print(f"mpt {metadata.version('mpt-human')}")
        raise typer.Exit


@app.callback()
def mpt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """From a photo to each person's 3D joints and body mesh."""


def _examples(*lines: str) -> str:
    return "**Examples**\n\n" + "\n\n".join(f"`{line}`" for line in lines)


_USE, _TRAIN, _MAINTAIN = "Use", "Train", "Maintain"

app.command(
    rich_help_panel=_USE,
    epilog=_examples(
        "mpt reconstruct photo.jpg",
        "mpt reconstruct holiday/ --format glb,json --overlay --output meshes",
        "mpt reconstruct 'photos/**/*.jpg' --max-people 1 --device cuda",
        "mpt reconstruct photo.jpg --subject hand --format glb,json",
        "mpt reconstruct dance.mp4 --overlay --fps 15",
        "mpt reconstruct dance.mp4 --rigged --format bvh",
        "mpt reconstruct 0 --overlay",
        "mpt reconstruct team.jpg --box 120,40,200,460 --box 380,52,190,450",
    ),
)(reconstruct)
app.command(
    rich_help_panel=_USE,
    epilog=_examples(
        "mpt explain photo.jpg",
        "mpt explain team.jpg --box 120,40,200,460 --output why",
        "mpt explain photo.jpg --subject hand",
    ),
)(explain)
app.command(
    rich_help_panel=_USE,
    epilog=_examples("mpt serve", "mpt serve --host 0.0.0.0 --port 9000", "mpt serve --config mpt.toml"),
)(serve)
app.command(rich_help_panel=_USE, context_settings=passthrough.AS_IT_STANDS)(passthrough.export)
app.command(rich_help_panel=_TRAIN, context_settings=passthrough.AS_IT_STANDS)(passthrough.pretrain)
app.command(rich_help_panel=_TRAIN, context_settings=passthrough.AS_IT_STANDS)(passthrough.finetune)
app.command(rich_help_panel=_TRAIN, context_settings=passthrough.AS_IT_STANDS)(passthrough.evaluate)
app.command("convert-body", rich_help_panel=_TRAIN, context_settings=passthrough.AS_IT_STANDS)(passthrough.convert_body)
app.add_typer(weights.app, name="weights", rich_help_panel=_MAINTAIN)
app.command(rich_help_panel=_MAINTAIN, epilog=_examples("mpt settings > mpt.toml"))(settings)
app.command(rich_help_panel=_MAINTAIN, epilog=_examples("mpt doctor"))(doctor)
