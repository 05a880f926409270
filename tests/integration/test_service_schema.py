"""Schemathesis: hundreds of requests made from the OpenAPI document, and no answer that it does not announce."""

from __future__ import annotations

import base64
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from service.app import create_app
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.film_files import film
from tests.support.service_client import photo

pytestmark = pytest.mark.slow

app = create_app(
    Settings(store_dir=Path(tempfile.mkdtemp()) / "meshes", max_people=50, video_queue=1000),
    lambda _: [FakeReconstructor(modes=("zero-shot", "fine-tuned"))],
)


async def _stay() -> None:
    """Schemathesis starts and ends the application around each request."""


app.state.services.engine.stop = _stay
app.state.services.jobs.start()
app.state.services.jobs.start = app.state.services.jobs.stop = lambda: None
schema = schemathesis.openapi.from_asgi("/openapi.json", app)

FILM = film(Path(tempfile.mkdtemp()) / "film.mp4", [np.full((48, 64, 3), 90, np.uint8)] * 3).read_bytes()
PHOTO, TEXT = photo(640, 480), base64.b64encode(photo(640, 480)).decode()
# What no schema can say: that the bytes are a photo.
BODIES = {
    ("POST /v1/reconstruct", "multipart/form-data"): {"image": PHOTO},
    ("POST /v1/reconstruct", "image/*"): PHOTO,
    ("POST /v1/reconstruct", "application/json"): {"image": TEXT},
    ("POST /v1/reconstruct/batch", "multipart/form-data"): {"image": [PHOTO, b"no photo"]},
    ("POST /v1/reconstruct/batch", "application/json"): {"images": [{"image": TEXT}]},
    ("POST /v1/videos", "multipart/form-data"): {"video": FILM},
    ("POST /v1/videos", "video/*"): FILM,
}
# What the stand-in has not: hands, and a body that is fitted to its mesh; and webhooks are off.
MISSING = {"subject", "mesh", "rigged", "parameters", "format", "webhook"}


@schema.parametrize()
@examples(max_examples=int(os.environ.get("EXAMPLES", "40")), deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_keep_to_the_description(case):
    excluded = []
    kind = re.sub("^(image|video)/.*", r"\1/*", case.media_type or "")  # it makes one up for the star
    body = BODIES.get((case.operation.label, kind))
    if case.meta.generation.mode is GenerationMode.POSITIVE and body is not None:
        case.body = body
        case.query = {name: value for name, value in case.query.items() if name not in MISSING}
        if "bbox" in case.query:  # and that a box lies within it
            case.query["bbox"] = ["10,10,300,400" for _ in case.query["bbox"]]
        excluded = [negative_data_rejection]  # Schemathesis takes a case that was changed for a wrong one
    case.call_and_validate(excluded_checks=excluded)
