"""A client of the service in one file, with nothing but Python's standard library: copy it.

from mpt_client import Client

client = Client("http://localhost:8000")
for person in client.reconstruct("photo.jpg")["people"]:
    client.save(person["mesh"]["glb"], f"{person['id']}.glb")

job = client.wait(client.send_video("dance.mp4", overlay=True))
for file in job["files"]:
    client.save(file["url"], file["name"])
"""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin
from uuid import uuid4


class Refused(Exception):
    """The service refused a request: `status`, `type` for programs, and a sentence that says what to do."""

    def __init__(self, status: int, type: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.type = status, type


class Client:
    """Asks one service.

    Args:
        url: Where it is.
        key: The API key, if it wants one.
        timeout: Seconds that an answer may take.
        tries: How often a request is sent while the service is busy, or had it give way to others, waiting as long as
            it says in between.
    """

    def __init__(
        self, url: str = "http://localhost:8000", key: str | None = None, timeout: float = 120, tries: int = 4
    ) -> None:
        self._url, self._timeout, self._tries = url.rstrip("/") + "/", timeout, tries
        self._headers = {"X-API-Key": key} if key else {}

    def reconstruct(self, photo: str | Path | bytes, **query: Any) -> dict[str, Any]:
        """The people of a photo, a file or its bytes.

        `query` is as of POST /reconstruct, such as max_people=1, or bbox=[[120, 40, 200, 460]] for boxes.

        Raises:
            Refused: It cannot be used, or the service cannot.
            OSError: The service does not answer.
        """
        return self._json("POST", f"v1/reconstruct{_query(query)}", _bytes(photo), "application/octet-stream")

    def reconstruct_all(self, photos: Sequence[str | Path | bytes], **query: Any) -> list[dict[str, Any]]:
        """Several photos in one request: for each its `status`, and a `reconstruction` or a `problem`."""
        boundary = uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="photo"\r\n\r\n'.encode()
        parts = b"".join(head + _bytes(photo) + b"\r\n" for photo in photos)
        body = parts + f"--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        found: list[dict[str, Any]] = self._json("POST", f"v1/reconstruct/batch{_query(query)}", body, kind)["results"]
        return found

    def reconstruction(self, identifier: str) -> dict[str, Any]:
        """An answer once more."""
        return self._json("GET", f"v1/reconstructions/{identifier}")

    def delete_reconstruction(self, identifier: str) -> None:
        """Delete an answer and its files."""
        self._open("DELETE", f"v1/reconstructions/{identifier}").close()

    def send_video(self, video: str | Path, **query: Any) -> dict[str, Any]:
        """Send a video; `query` as of POST /videos, such as format=["glb", "bvh"]. Returns the job: see `wait`."""
        path = Path(video)
        return self._json("POST", f"v1/videos{_query(query)}", path, "application/octet-stream")

    def job(self, identifier: str) -> dict[str, Any]:
        """How far a job is."""
        return self._json("GET", f"v1/jobs/{identifier}")

    def wait(
        self, job: Mapping[str, Any], tell: Callable[[float], object] = lambda progress: None, every: float = 1.0
    ) -> dict[str, Any]:
        """Wait until a job has ended; `tell` gets its progress, 0 to 1, as it goes.

        Raises:
            Refused: It failed.
        """
        while True:
            now = self.job(job["id"])
            tell(now["progress"])
            if now["status"] == "succeeded":
                return now
            if now["status"] == "failed":
                raise Refused(now["problem"]["status"], now["problem"]["type"], now["problem"]["detail"])
            time.sleep(every)

    def delete_job(self, identifier: str) -> None:
        """End a job, and delete its files."""
        self._open("DELETE", f"v1/jobs/{identifier}").close()

    def fetch(self, link: str) -> bytes:
        """What is under a link of an answer."""
        with self._open("GET", link) as response:
            data: bytes = response.read()
            return data

    def save(self, link: str, path: str | Path) -> None:
        """Write what is under a link of an answer to a file."""
        with self._open("GET", link) as response, open(path, "wb") as file:
            shutil.copyfileobj(response, file)

    def _json(self, method: str, path: str, body: bytes | Path | None = None, kind: str = "") -> dict[str, Any]:
        with self._open(method, path, body, kind) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def _open(self, method: str, path: str, body: bytes | Path | None = None, kind: str = "") -> Any:
        for rest in reversed(range(self._tries)):
            try:
                return self._send(method, path, body, kind)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code in (408, 429, 503) and rest:
                        time.sleep(_seconds(error.headers.get("Retry-After")))
                    else:
                        raise _refused(error) from None
        raise ValueError("tries must be at least 1")

    def _send(self, method: str, path: str, body: bytes | Path | None, kind: str) -> Any:
        headers = {**self._headers, **({"Content-Type": kind} if kind else {})}
        url = urljoin(self._url, path)
        if isinstance(body, Path):  # as it is read, whatever its size
            headers["Content-Length"] = str(body.stat().st_size)
            with open(body, "rb") as file:
                request = urllib.request.Request(url, file, headers, method=method)
                return urllib.request.urlopen(request, timeout=self._timeout)
        request = urllib.request.Request(url, body, headers, method=method)
        return urllib.request.urlopen(request, timeout=self._timeout)


def _query(query: Mapping[str, Any]) -> str:
    words = {name: [_word(each) for each in _listed(value)] for name, value in query.items()}
    return f"?{urlencode(words, doseq=True)}" if query else ""


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):  # a box, as answers have them
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bytes(photo: str | Path | bytes) -> bytes:
    return photo if isinstance(photo, bytes) else Path(photo).read_bytes()


def _seconds(wait: str | None) -> float:
    return float(wait) if wait and wait.isdecimal() else 1.0  # proxies may say a date


def _refused(error: urllib.error.HTTPError) -> Refused:
    try:
        problem = json.load(error)
        return Refused(error.code, problem["type"], problem["detail"])
    except (ValueError, KeyError):
        return Refused(error.code, "about:blank", f"The service answered {error.code}.")
