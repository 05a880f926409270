"""The models behind the service: loaded in the background, warmed up, and run by a bounded number of threads."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from model.errors import BadInput, MPTError
from service import metrics
from service.inference.batcher import Overloaded as Overloaded
from service.inference.cancellation import CancelToken, current_token

if TYPE_CHECKING:
    from pathlib import Path

    from model.interfaces import Network
    from model.reconstructor import Reconstructor
    from service.settings import Settings

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Loader = Callable[["Settings"], "Sequence[Reconstructor]"]

MODES = ("zero-shot", "fine-tuned")
_LONGEST_WARM_UP = 20.0
"""Seconds that stopping waits for a network's first run."""
_STOPPING = "The service is shutting down. Try again in a moment."


class NotReady(MPTError):
    """No model can answer: it is still loading, or failed to."""


class DeadlineExceeded(MPTError):
    """The photo could not be answered within the time that the service grants one."""


class ModeMissing(BadInput):
    """The mode that was asked for has no checkpoint here."""


class WrongSubject(MPTError):
    """A setting names a checkpoint for another subject."""


class SubjectMissing(BadInput):
    """The subject that was asked for has no checkpoint here."""


def load_reconstructors(settings: Settings) -> list[Reconstructor]:
    """Load the checkpoints that the settings name; those that come with the package if they name none.

    Where a checkpoint for hands neither is named nor can be used, bodies are served without them.
    """
    # Threads that spin while they wait take the cores from other requests, and on a busy machine from each other; what
    # runs PyTorch's threads reads this as it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Imported here, off the event loop: PyTorch takes seconds, and the health endpoints answer meanwhile.
    from model.reconstructor import Reconstructor
    from model.runtime.hand_landmarks import of_network
    from model.runtime.loading import open_network
    from service.inference.batched_network import BatchedNetwork

    def open_for(subject: str, setting: str) -> Network:
        checkpoint: Path | None = getattr(settings, setting)
        how = (settings.device, settings.engine, settings.precision, settings.threads)
        network = open_network(checkpoint, *how, subject=subject, landmarks=settings.landmarks)
        if network.info.subject != subject:
            raise WrongSubject(f"MPT_{setting.upper()} ({checkpoint}) is for subject={network.info.subject}.")
        return network

    networks = [open_for("body", "checkpoint")]
    if settings.fine_tuned_checkpoint is not None:
        networks.append(open_for("body", "fine_tuned_checkpoint"))
    try:
        networks.append(open_for("hand", "hand_checkpoint"))
    except MPTError as error:
        if settings.hand_checkpoint is not None:
            raise
        log.info("Hands are not served: %s", error)
    batched = [BatchedNetwork(n, settings.max_batch, settings.max_wait_ms / 1000) for n in networks]
    hands = next((of_network(each) for each in batched if each.info.subject == "hand"), None)
    models = [Reconstructor(network, settings.rig, hands) for network in batched]
    for model in models:
        model.seen_twice = settings.seen_twice
    return models


class Engine:
    """Holds the models and runs work on them, off the event loop.

    Args:
        load: Returns the models; called once, in a thread of its own.
        concurrency: How much work runs at the same time.
        queue_size: How much work may wait for its turn.
        then: Called with the models once they answer, in the thread that loaded them.
    """

    def __init__(
        self,
        load: Callable[[], Sequence[Reconstructor]],
        concurrency: int,
        queue_size: int,
        then: Callable[[list[Reconstructor]], None] = lambda models: None,
    ) -> None:
        self._load, self._then = load, then
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="photo")
        self._places = concurrency + queue_size
        self._taken = 0
        self._lock = threading.Lock()
        self._stopped = False
        self._loading = threading.Thread(target=self._load_and_warm_up, name="load-models", daemon=True)
        self._warm = threading.Event()
        self._models: dict[tuple[str, str], Reconstructor] = {}
        self._obstacle: str | None = "The model is still loading. Try again in a few seconds."

    def start(self) -> None:
        """Begin to load the models; returns at once."""
        self._loading.start()

    async def stop(self) -> None:
        """Take no more work, drop what waits, and return once what was begun has ended."""
        self._stopped, self._obstacle = True, _STOPPING
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        if self._models:  # an interpreter that ends while a network runs aborts
            await asyncio.to_thread(self._warm.wait, _LONGEST_WARM_UP)

    @property
    def is_loading(self) -> bool:
        """Whether the thread that loads the models still runs; it cannot be broken off."""
        return self._loading.is_alive()

    @property
    def obstacle(self) -> str | None:
        """Why the engine cannot answer yet, as a sentence; None once it can."""
        return self._obstacle

    @property
    def models(self) -> dict[tuple[str, str], Reconstructor]:
        """The models by subject and mode; none while they load."""
        return self._models

    def model(self, subject: str, mode: str | None) -> tuple[str, Reconstructor]:
        """Choose the model for a subject and a mode; with None, zero-shot if it is there, else what is.

        Raises:
            NotReady: The models are still loading, or failed to load.
            SubjectMissing: No checkpoint for this subject.
            ModeMissing: None of them for this mode.
        """
        if self._obstacle is not None:
            raise NotReady(self._obstacle)
        offered = [known for known in MODES if (subject, known) in self._models]
        if not offered:
            raise SubjectMissing(
                f"This service has no checkpoint for subject={subject}. Its operator can add one by "
                f"{'MPT_CHECKPOINT' if subject == 'body' else 'MPT_HAND_CHECKPOINT and `mpt weights fetch`'}."
            )
        mode = mode or offered[0]
        if mode not in offered:
            raise ModeMissing(
                f"This service has no {mode} checkpoint for subject={subject}; "
                f"it offers mode={' or mode='.join(offered)}. "
                "Its operator can add one by MPT_CHECKPOINT or MPT_FINE_TUNED_CHECKPOINT."
            )
        return mode, self._models[subject, mode]

    async def run(self, work: Callable[[], Result], undo: Callable[[Result], object] | None = None) -> Result:
        """Run `work` in a thread as soon as one is free, in the order of arrival.

        Cancelling returns at once. Work that still waits is never begun and frees its place; begun work learns at its
        next stage that nobody wants it any more (`check_cancelled`), and keeps its place until it ends.

        Args:
            work: What to run.
            undo: Called with the result if it came too late for anybody to get it.

        Raises:
            Overloaded: As much work waits as may wait; nothing was begun.
            NotReady: The service is shutting down.
        """
        if self._stopped:
            raise NotReady(_STOPPING)
        with self._lock:
            if self._taken >= self._places:
                raise Overloaded("The service is busy: too many photos wait already. Try again in a moment.")
            self._taken += 1
        context = contextvars.copy_context()
        token = CancelToken()
        context.run(current_token.set, token)
        arrived = time.perf_counter()

        def begin() -> Result:
            metrics.QUEUE.dec()
            metrics.STAGE_SECONDS.labels("queue").observe(time.perf_counter() - arrived)
            with metrics.WORKING.track_inprogress():
                return context.run(work)

        metrics.QUEUE.inc()
        future = self._threads.submit(begin)
        future.add_done_callback(self._free)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            token.cancel()
            if future.cancel():  # it was still waiting
                metrics.QUEUE.dec()
            elif undo is not None:
                future.add_done_callback(partial(_undo, undo))
            if self._stopped:
                raise NotReady(_STOPPING) from None
            raise

    def _free(self, _: Future[Result]) -> None:
        with self._lock:
            self._taken -= 1

    def _load_and_warm_up(self) -> None:
        try:
            loaded = self._load()
            models = {(model.subject, mode): model for model in loaded for mode in model.modes if mode in MODES}
            if not models:
                raise MPTError("None of the checkpoints serves zero-shot or fine-tuned.")
            for model in models.values():
                if model.subject == "body":  # hands are asked for seldom: nobody waits for them
                    _warm_up(model)
        except MPTError as error:
            log.error("The model failed to load: %s", error)
            self._obstacle = f"The model failed to load: {error}"
        except Exception as error:  # whatever it is, the service stays up to say so
            log.exception("The model failed to load")
            self._obstacle = f"The model failed to load ({type(error).__name__}); the service's log says more."
        else:
            self._models = models
            self._obstacle = None
            for kind, model in models.items():
                log.info("%s by %s, run by %s", " ".join(kind), model.model_name, model.info()["engine"])
            log.info("Ready")
            self._go_on(list(models.values()))

    def _go_on(self, models: list[Reconstructor]) -> None:
        """What can wait until the service is ready."""
        try:
            try:
                for model in models:
                    if model.subject != "body" and not self._stopped:
                        _warm_up(model)
            finally:
                self._warm.set()
            self._then(models)
        except Exception:  # requests say what is wrong with a model
            log.exception("What follows once the service is ready failed")


def _undo(undo: Callable[[Result], object], future: Future[Result]) -> None:
    if future.exception() is None:
        undo(future.result())


def _warm_up(model: Reconstructor) -> None:
    """Run the network and the person detector once, so that the first photo is as quick as the next."""
    grey = np.full((256, 256, 3), 127, np.uint8)
    model.reconstruct(grey, boxes=[(64.0, 32.0, 128.0, 192.0)])
    model.reconstruct(grey)
