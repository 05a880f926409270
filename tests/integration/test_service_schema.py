"""Schemathesis: hundreds of requests made from the OpenAPI document, and no answer that it does not announce."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from service.app import create_app
from service.settings import Settings
from tests.support.fake_reconstructor import FakeReconstructor
from tests.support.service_client import photo

pytestmark = pytest.mark.slow

app = create_app(
    Settings(store_dir=Path(tempfile.mkdtemp()), max_people=50),
    lambda _: [FakeReconstructor(modes=("zero-shot", "fine-tuned"))],
)


async def _stay() -> None:
    """Schemathesis starts and ends the application around each request."""


app.state.services.engine.stop = _stay
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@schema.parametrize()
@examples(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_keep_to_the_description(case):
    excluded = []
    if case.meta.generation.mode is GenerationMode.POSITIVE and case.operation.label == "POST /reconstruct":
        # What no schema can say: that the bytes are a photo, and that a box lies within it.
        case.body = {**case.body, "image": photo(640, 480)}
        if "bbox" in case.query:
            case.query = {**case.query, "bbox": ["10,10,300,400" for _ in case.query["bbox"]]}
        excluded = [negative_data_rejection]  # Schemathesis takes a case that was changed for a wrong one
    case.call_and_validate(excluded_checks=excluded)
