"""`mpt doctor`: what is here, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import typer
from rich.text import Text

import weights
from cli.console import notes, results
from cli.errors import ExitCode
from cli.extras import EXTRAS, absent
from cli.weights import all_weights
from model.errors import MPTError
from model.extras import how_to_install, how_to_install_again
from weights.registry import published_weights

OK, MISSING, OPTIONAL = "ok", "missing", "optional"
_STYLES = {OK: "green", MISSING: "bold red", OPTIONAL: "yellow"}
_PURPOSES = {
    "train": "to train and evaluate",
    "smpl": "to train on SMPL's bodies",
    "onnx-cpu": "for `mpt export`",
    "heic": "to read HEIC, the photos of iPhones",
    "footage": "to write C3D, and to read it in evaluations",
}


class Finding(NamedTuple):
    """One line of the report."""

    state: str
    what: str
    remedy: str = ""
    """What to do about it."""


def doctor() -> None:
    """Tell what is installed, which device and weights there are, and what is missing and how to get it.

    The exit code is 1 if photos cannot be reconstructed with what is here.
    """
    with notes.status("Looking ..."):
        findings = [finding for examine in EXAMINATIONS for finding in examine()]
    for state, what, remedy in findings:
        results.print(Text.assemble((f"{state:<9}", _STYLES[state]), what))
        if remedy:
            results.print(f"{'':<9}-> {remedy}")
    if any(finding.state == MISSING for finding in findings):
        results.print("\nWhat is missing must be there before photos can be reconstructed.")
        raise typer.Exit(ExitCode.FAILED)
    results.print("\nPhotos can be reconstructed: mpt reconstruct photo.jpg")


def versions() -> Iterator[Finding]:
    """This project, Python, and the packages that matter for a report of an error."""
    yield Finding(OK, f"mpt {metadata.version('mpt-human')}, Python {platform.python_version()}, {platform.platform()}")
    packages = ("torch", "onnxruntime", "numpy", "opencv-python-headless", "pillow", "safetensors")
    there = [f"{name} {version}" for name in packages if (version := _version(name))]
    yield Finding(OK, ", ".join(there))


def devices() -> Iterator[Finding]:
    """What the networks can run on."""
    try:
        import torch
    except (ImportError, OSError) as error:
        if _version("onnxruntime"):
            yield Finding(OPTIONAL, "no PyTorch: exported networks only", how_to_install_again("torch"))
        else:
            yield Finding(MISSING, f"PyTorch cannot be used: {error}", how_to_install_again("torch"))
        return
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield Finding(OK, f"cuda:{index}: {properties.name}, {properties.total_memory / 2**30:.0f} GiB")
    yield Finding(OK, f"cpu: {os.cpu_count()} cores, {torch.get_num_threads()} threads")
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        yield Finding(
            OPTIONAL,
            f"an NVIDIA GPU, which this PyTorch ({torch.__version__}) cannot use",
            "install PyTorch's build for CUDA: https://pytorch.org/get-started/locally",
        )


def networks() -> Iterator[Finding]:
    """Which weights there are."""
    for network in all_weights():
        if network.file is not None:
            yield Finding(OK, f"{network.name}: {network.file}")
        else:
            npm = "" if shutil.which("npm") else ", once npm is installed: https://nodejs.org"
            who = {"hand": ", which hands need", "comparison": ", which only comparisons of 2D networks need"}
            needed_by = who.get(published_weights()[network.name].subject, "")
            what = f"{network.name} is not on this machine yet{needed_by}"
            yield Finding(OPTIONAL if needed_by else MISSING, what, f"mpt weights fetch{npm}")
    if not any(not network.published for network in all_weights()):
        yield Finding(
            MISSING,
            "our own checkpoint, which comes with the package",
            f"put it back into {Path(weights.__file__).parent}",
        )


def extras() -> Iterator[Finding]:
    """What can be installed besides."""
    for extra in EXTRAS:
        purpose = f"{extra}, {_PURPOSES[extra]}"
        if missing := absent(extra):
            yield Finding(OPTIONAL, f"{purpose}: without {', '.join(missing)}", how_to_install(extra))
        else:
            yield Finding(OK, purpose)


def settings() -> Iterator[Finding]:
    """Whether the settings make sense, and the service can keep its meshes."""
    from cli.model_loading import settings_in_force

    try:
        in_force = settings_in_force()
    except MPTError as error:
        yield Finding(MISSING, f"settings that cannot be used: {error}", "mend the environment or the file")
        return
    for name in ("checkpoint", "fine_tuned_checkpoint", "hand_checkpoint"):
        file = getattr(in_force, name)
        if file is not None and not file.is_file():
            yield Finding(MISSING, f"MPT_{name.upper()}: there is no file {file}", "name another")
    if in_force.store_url is None:
        yield _place("meshes", in_force.store_dir)


def _place(what: str, folder: Path) -> Finding:
    """Whether files can be written into a folder, or into the nearest one above that is there."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free / 2**30
    except OSError as error:
        return Finding(OPTIONAL, f"{folder} cannot keep {what}: {error.strerror}", "mpt serve: set MPT_STORE_DIR")
    return Finding(OK, f"{what} of the service: {folder}, {free:.1f} GiB free")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


EXAMINATIONS: tuple[Callable[[], Iterator[Finding]], ...] = (versions, devices, networks, extras, settings)
