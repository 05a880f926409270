"""Makes a published checkpoint that its user brings ours: `python -m weights.convert NAME FILE`."""

from __future__ import annotations

import argparse
import pickle
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from model.errors import BadCheckpoint, MPTError, WeightsMissing
from model.files import atomic_write
from model.network.backbones import build_backbone
from weights.registry import brought_weights, cache_folder


def bring(name: str, file: Path) -> Path:
    """Checks the file against the network and keeps its parameters as safetensors among the fetched weights.

    Args:
        name: of `brought_weights()`.
        file: as its authors publish it, for `torch.load`. Only tensors are read from it: no code in it ever runs.

    Returns:
        The safetensors file.

    Raises:
        WeightsMissing: no network of this name is brought, or the file is not there.
        BadCheckpoint: the file cannot be read, or is of another network.
    """
    if name not in brought_weights():
        raise WeightsMissing(f"No weights called {name!r} are brought; known are {', '.join(brought_weights())}.")
    if not file.is_file():
        raise WeightsMissing(f"{file} does not exist; {brought_weights()[name].source} has it.")
    parameters = _read(file)
    backbone = build_backbone(brought_weights()[name].backbones[0])
    try:
        backbone.load_state_dict(parameters)
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip() if "\n" in str(error) else error
        raise BadCheckpoint(f"{file} is not of {brought_weights()[name].title}: {detail}") from None
    target = cache_folder() / f"{name}.safetensors"
    with atomic_write(target) as partial:
        save_file({key: value.contiguous() for key, value in backbone.state_dict().items()}, partial)
    return target


def _read(file: Path) -> dict[str, Tensor]:
    """The parameters by the authors' names, without the prefix of the wrapper that they trained in."""
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError) as error:
        raise BadCheckpoint(
            f"{file} cannot be read as tensors alone ({str(error).splitlines()[0]}). Take the file of the model, not "
            "that of a training run."
        ) from None
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise BadCheckpoint(f"{file} holds no state dict. Take the file of the model, not that of a training run.")
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m weights.convert", description=__doc__)
    parser.add_argument("name", choices=sorted(brought_weights()))
    parser.add_argument("file", type=Path, help="as its authors publish it")
    options = parser.parse_args(arguments)
    try:
        target = bring(options.name, options.file)
    except MPTError as error:
        print(error, file=sys.stderr)
        return 1
    about = brought_weights()[options.name]
    print(f"{about.title} ({about.license}) -> {target}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
