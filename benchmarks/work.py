"""What each contender does for one photo."""

from __future__ import annotations

import tempfile
from pathlib import Path

from service.inference.engine import load_reconstructors
from service.pipeline import reconstruct
from service.queries import ReconstructQuery
from service.settings import Settings
from service.store import MeshStore


class Work:
    """The whole work on a photo, from its bytes to JSON, its meshes in a folder; models as `settings` say."""

    def __init__(self) -> None:
        self.settings = Settings(store_dir=Path(tempfile.mkdtemp(prefix="mpt-benchmark-")))
        self.models = load_reconstructors(self.settings)
        self.store = MeshStore(self.settings.store_dir, 60, 256 * 2**20)

    def __call__(self, photo: bytes) -> bytes:
        """The answer to a photo."""
        query = ReconstructQuery()
        answer = reconstruct(photo, query, "zero-shot", self.models[0], self.store, self.settings, "")
        return answer.model_dump_json(exclude_none=True).encode()
