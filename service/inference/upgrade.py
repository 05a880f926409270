"""From PyTorch to ONNX Runtime while the service answers: exported behind it, compared, and only then exchanged."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.errors import MPTError
from model.runtime.loading import how_to_export
from service.inference.batched_network import BatchedNetwork

if TYPE_CHECKING:
    from model.interfaces import Network
    from model.reconstructor import Reconstructor
    from model.results import Person
    from service.settings import Settings

log = logging.getLogger(__name__)

COMMAND = ["-m", "model.runtime.export"]
_MODULES = ("onnx", "onnxruntime", "onnxscript")
_PHOTO = Path(__file__).parents[1] / "static" / "sample.jpg"
_BOXES = [(150.0, 60.0, 180.0, 340.0), (330.0, 120.0, 90.0, 90.0)]
_PIXELS = 2_000_000
_NICE = 10
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
EQUAL_MM = 2.0
"""Millimetres that two engines' answers may be off for them to count as equal: bodies were 0.05, the sample photo's
small, unsure hands 1.4."""


class Upgrade:
    """Exports the project's own checkpoints once, in a process of its own, and lets ONNX Runtime take over.

    Nothing happens unless PyTorch runs them on a CPU because there was no export, and what exports is installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._exporting: subprocess.Popen[str] | None = None
        self._stopping = threading.Event()

    def __call__(self, models: Iterable[Reconstructor]) -> None:
        """Exchange what runs these models' networks. Blocks for minutes: to be called in a thread that has the time."""
        settings = self._settings
        if not settings.export or settings.engine != "auto":
            return
        if any(importlib.util.find_spec(module) is None for module in _MODULES):
            return
        named = {"body": settings.checkpoint, "hand": settings.hand_checkpoint}
        for model in models:
            network = model.network
            if self._stopping.is_set():
                return
            if not (isinstance(network, BatchedNetwork) and network.runtime.startswith("PyTorch on cpu")):
                continue
            checkpoint = named[model.subject] if "zero-shot" in model.modes else settings.fine_tuned_checkpoint
            if checkpoint is not None:
                log.info("%s makes an export, which runs faster on a CPU", how_to_export(checkpoint, model.subject))
                continue
            try:
                self._exchange(model, network)
            except Exception as error:  # whatever it is, PyTorch goes on
                log.warning("%s stays with PyTorch: %s", model.model_name, error, exc_info=not _is_ours(error))

    def stop(self) -> None:
        """Give it up, as far as it is not done."""
        self._stopping.set()
        if self._exporting is not None:
            self._exporting.terminate()

    def _exchange(self, model: Reconstructor, network: BatchedNetwork) -> None:
        from model.runtime.loading import export_path, open_network

        if not self._export(model.subject) or self._stopping.is_set():
            return
        settings = self._settings
        exported = open_network(
            None, settings.device, "onnx", threads=settings.threads, subject=model.subject, landmarks=settings.landmarks
        )
        distance = distance_mm(network, exported)
        if distance > EQUAL_MM:
            export_path(subject=model.subject).unlink(missing_ok=True)  # or the next start would take it
            raise MPTError(f"its export is {distance:.2f} mm off on the sample photo")
        network.exchange(exported)
        log.info("%s is run by %s from now on (%.3f mm off)", model.model_name, exported.runtime, distance)

    def _export(self, subject: str) -> bool:
        start = time.monotonic()
        log.info("Exporting the networks for subject=%s to ONNX, which runs faster; PyTorch answers meanwhile", subject)
        self._exporting = subprocess.Popen(
            [sys.executable, *COMMAND, "--subject", subject],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            preexec_fn=_give_way if os.name == "posix" else None,
        )
        _, said = self._exporting.communicate()
        if self._stopping.is_set():
            return False
        if self._exporting.returncode != 0:
            raise MPTError(f"the export failed: {said.strip().splitlines()[-1] if said.strip() else 'without a word'}")
        log.info("Exported in %.0f s", time.monotonic() - start)
        return True


def distance_mm(one: Network, other: Network) -> float:
    """How far two networks' answers to the sample photo are from each other, in millimetres.

    Of each answer the vertex or joint that is furthest off, and of these the median: who may be read in two ways is
    decided by the last digit. Infinite if they do not find the same number of people.

    Args:
        one: The first.
        other: The second.
    """
    from model.formats.photo import decode
    from model.reconstructor import Reconstructor

    photo = decode(_PHOTO.read_bytes(), _PIXELS).pixels
    answers = []
    for network in (one, other):
        reconstruct = partial(Reconstructor(network).reconstruct, photo, mesh="raw")
        answers.append([*reconstruct().people, *reconstruct(boxes=_BOXES).people])
    if len(answers[0]) != len(answers[1]):
        return float("inf")
    return float(np.median([_furthest(*pair) for pair in zip(*answers, strict=True)]))


def _furthest(one: Person, other: Person) -> float:
    a, b = (np.concatenate([person.joints, person.vertices]) for person in (one, other))
    return float(1000 * np.linalg.norm(a - b, axis=1).max())


def _give_way() -> None:
    """In the exporting process: others first, and no longer than the service lives, be it killed."""
    os.nice(_NICE)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _is_ours(error: Exception) -> bool:
    return isinstance(error, MPTError)
