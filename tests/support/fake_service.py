"""`python -m tests.support.fake_service`: the service as a process, with a stand-in for the network.

FAKE_SECONDS is how long the stand-in takes for a photo.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from model.body.rig_file import load_rig
from model.results import Reconstruction
from service.__main__ import serve
from service.app import create_app
from service.http import logging_setup
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor


class SlowReconstructor(FakeReconstructor):
    @property
    def model_name(self) -> str:  # type: ignore[override]
        return f"process {os.getpid()}"

    def reconstruct(self, *arguments: object, **options: object) -> Reconstruction:
        time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
        self.calls.clear()  # they would pile up
        return super().reconstruct(*arguments, **options)


class SlowHands(SlowReconstructor):
    """Takes the figure for a right hand."""

    subject = "hand"

    def reconstruct(self, *arguments: object, **options: object) -> Reconstruction:
        found = super().reconstruct(*arguments, **options)
        return replace(found, people=[replace(person, handedness="right") for person in found.people])


def load(settings: Settings) -> list[SlowReconstructor]:
    bodies = SlowReconstructor(modes=("zero-shot", "fine-tuned"))
    if settings.rig is not None:
        bodies.rig = load_rig(settings.rig)
    return [bodies, SlowHands()]


def main() -> None:
    settings = Settings()
    logging_setup.set_up(settings.log_level, settings.log_format)
    serve(create_app(settings, load), settings)


if __name__ == "__main__":
    main()
