"""The MoCap that needs no registration: DeepMimic's clips, which PyPI's `pybullet` wheel carries.

pybullet has wheels for few Pythons and systems, and elsewhere compiles for a long time; only its data are
wanted. So one fixed wheel is downloaded as an archive, by pip, which checks its hash and honours the user's
index and proxy.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from model.errors import BadData
from training.cache import cache_folder

from .deepmimic import read_deepmimic
from .poses import MocapPoses

logger = logging.getLogger(__name__)

_REQUIREMENT = "pybullet==3.2.7 --hash=sha256:5d858abf7c12a21ef3ed351cf81dac1b5e486ec25c9ab59bfc84beb89034edff"
_WHEEL_OF = ["--platform", "manylinux2014_x86_64", "--python-version", "3.11", "--implementation", "cp"]
_CLIPS = "pybullet_data/data/motions/humanoid3d_"


def read_sample() -> MocapPoses:
    """Reads 15 clips of a humanoid that walks, runs, dances, kicks and falls.

    They are fetched on first use: 103 MB, of which the cache keeps 1.3. They are enough to see training run
    and learn, not for a model that knows people. As nobody says who moved, the clips of one kind count as one
    subject, such as "DeepMimic/dance".

    Raises:
        BadData: the clips can neither be found nor fetched.
    """
    folder = cache_folder("mocap") / "deepmimic"
    if not folder.is_dir():
        _fetch(folder)
    files = sorted(folder.glob("humanoid3d_*.txt"))
    if not files:
        raise BadData(f"{folder} holds no clip: remove the folder, so that it is fetched again.")
    return MocapPoses.concat([read_deepmimic(path, f"DeepMimic/{path.stem.split('_')[1]}") for path in files])


def _fetch(folder: Path) -> None:
    """Puts the clips into `folder`, which exists only once it is complete."""
    logger.info("Fetching the sample MoCap (DeepMimic's clips, inside pybullet 3.2.7) into %s", folder)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        scratch = Path(name)
        clips = scratch / "clips"
        clips.mkdir()
        with zipfile.ZipFile(_download_wheel(scratch)) as wheel:
            for member in wheel.namelist():
                if member.startswith(_CLIPS):
                    (clips / Path(member).name).write_bytes(wheel.read(member))
        try:
            os.replace(clips, folder)
        except OSError:
            # Another process was faster: its clips are the same.
            if not folder.is_dir():
                raise


def _download_wheel(scratch: Path) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(_REQUIREMENT)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", *_WHEEL_OF]
    done = subprocess.run([*command, "--dest", str(scratch), "--requirement", str(requirements)], check=False)
    if done.returncode != 0:
        raise BadData(
            "The sample MoCap could not be downloaded: pip's message stands above. Try again with a network, "
            "or train on your own, as in `make train-pretrain MOCAP=path/to/amass`."
        )
    return next(scratch.glob("pybullet-*.whl"))
