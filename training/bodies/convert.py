"""Converts a model of SMPL's family from pickle to npz, without chumpy and without running anything of the file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from model.errors import BadData, BadInput, MPTError
from model.files import atomic_write
from training.console import telling_errors
from training.safe_pickle import plain, read_plain_pickle

MODEL_KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
"""The arrays that each model of the family has."""


def convert_body(path: Path, output: Path) -> list[str]:
    """Writes every array of numbers of a model file, sparse ones written out, to an npz file.

    Args:
        path: SMPL, SMPL-H, SMPL-X or MANO as a pickle, with chumpy's arrays in it or without.
        output: where the npz goes.

    Returns:
        The keys that were left out, since they hold no numbers.

    Raises:
        BadData: the file is missing, is no pickle, asks for more than numbers need, or holds no such model.
        BadInput: the file is npz already, or the output is there, or cannot be written.
    """
    if path.suffix.lower() == ".npz" and path.is_file():
        raise BadInput(f"{path} is npz already: use it as it is.")
    if output.exists():
        raise BadInput(f"{output} is there already: give another --output, or remove it.")
    arrays: dict[str, np.ndarray] = {}
    faults: dict[str, str] = {}
    for key, value in read_plain_pickle(path).items():
        try:
            array = np.asarray(plain(value))
        except ValueError as error:
            faults[str(key)] = str(error)
            continue
        if array.dtype.kind in "fiub":
            arrays[str(key)] = array
        else:
            faults[str(key)] = f"it is a {type(value).__name__}"
    for key in MODEL_KEYS:
        if key not in arrays:
            raise BadData(
                f"{path} has no usable `{key}` ({faults.get(key, 'not there')}): is it a model of SMPL's family?"
            )
    try:
        with atomic_write(output) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise BadInput(f"{output} cannot be written: {error.strerror or error}.") from None
    return sorted(faults)


def main() -> int:
    """The command; returns the exit status: 0, 1 if nothing could be converted, 3 if some could not."""
    parser = argparse.ArgumentParser(prog="mpt convert-body", description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.pkl", help="such as SMPL_NEUTRAL.pkl")
    parser.add_argument("--output", type=Path, help="for one model; MODEL.npz beside it")
    options = parser.parse_args()
    if options.output and len(options.models) > 1:
        parser.error("--output is for one model")
    failed = 0
    with telling_errors():
        for path in options.models:
            output = options.output or path.with_suffix(".npz")
            try:
                left_out = convert_body(path, output)
            except MPTError as error:  # the next one may be fine
                print(f"Error: {error}", file=sys.stderr)
                failed += 1
                continue
            print(output, f"(without {', '.join(left_out)}, which are no numbers)" if left_out else "")
    return (1 if failed == len(options.models) else 3) if failed else 0


if __name__ == "__main__":
    sys.exit(main())
