"""The same work behind LitServe. In a file of its own, since its workers import the API by name.

LitServe results at annotations as they are: they must not become strings.
"""

import litserve
from fastapi import Request, Response

from benchmarks.work import Work


class Api(litserve.LitAPI):
    """Photos in, answers out."""

    def setup(self, device: str) -> None:
        self.work = Work()

    def decode_request(self, request: Request) -> bytes:
        return request["image"].file.read()  # LitServe hands over the form

    def predict(self, photo: bytes) -> bytes:
        return self.work(photo)

    def encode_response(self, output: bytes) -> Response:
        return Response(output, media_type="application/json")


def serve(port: int) -> None:
    """Serves until it is told to stop."""
    server = litserve.LitServer(Api(api_path="/reconstruct"), accelerator="cpu", timeout=300)
    server.run(port=port, generate_client_file=False, log_level="warning")
