"""A soak: photos and films for minutes on end on all routes, while the service's memory and its folders are watched.

`python -m benchmarks.soak --minutes 5`. Linux only: memory is read from /proc. Ends with status 1 if memory grows or a
request fails within the service; tells how many files are left once clients have deleted what they got.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx2
import numpy as np

from benchmarks.photo import a_film, a_photo
from benchmarks.served import ROOT, Served, served

MIB = 2**20
_SAMPLE = ROOT / "service" / "static" / "sample.jpg"  # three people
_WINDOW = 5  # samples
_LEAVES_AFTER = 0.2  # seconds, of a client who does not wait


class Visitor:
    """A client, who counts the statuses that each kind of request meets.

    Args:
        client: Sends.
        statuses: Where to count, shared with others.
    """

    def __init__(self, client: httpx2.AsyncClient, statuses: Counter[tuple[str, str]]) -> None:
        self._client, self._statuses = client, statuses

    async def ask(self, what: str, method: str, path: str, **options: object) -> httpx2.Response | None:
        """Send a request, a moment later again while the service is busy; None if it is not answered with success."""
        while True:
            response = await self._client.request(method, path, **options)  # type: ignore[arg-type]
            honest = response.status_code == 503 and "Retry-After" in response.headers
            self._statuses[what, "busy" if honest else str(response.status_code)] += 1
            if not honest:
                return response if response.is_success else None
            await asyncio.sleep(float(response.headers["Retry-After"]))

    async def photo(self, photo: bytes, query: str = "") -> None:
        """An answer, all that it links to, and its end."""
        answer = await self.ask("photo", "POST", f"/v1/reconstruct?{query}", files={"image": ("photo.jpg", photo)})
        if answer is None:
            return
        told = answer.json()
        for person in told.get("people") or told.get("hands") or []:
            for kind, link in person["mesh"].items():
                await self.ask(kind, "GET", link)
        for kind in ("overlay", "npz", "zip"):
            await self.ask(kind, "GET", told[kind])
        this = f"/v1/reconstructions/{told['id']}"
        if told.get("people"):  # hands have no ground
            await self.ask("scene", "GET", f"/v1/mesh/{told['id']}.scene.glb")
        await self.ask("kept photo", "GET", f"{this}/photo.jpg")
        await self.ask("again", "GET", this)
        await self.ask("delete", "DELETE", this)

    async def batch(self, photo: bytes) -> None:
        """Two photos, one of them cut off."""
        files = [("image", ("a.jpg", photo)), ("image", ("b.jpg", photo[:5000]))]
        answer = await self.ask("batch", "POST", "/v1/reconstruct/batch", files=files)
        for result in answer.json()["results"] if answer else []:
            self._statuses["photo of a batch", str(result["status"])] += 1
            if result["status"] == 200:
                await self.ask("delete", "DELETE", f"/v1/reconstructions/{result['reconstruction']['id']}")

    async def wrong(self, photo: bytes) -> None:
        """Files that are no photos, addresses that are none, and somebody who leaves: none of them may leak."""
        await self.ask("broken photo", "POST", "/v1/reconstruct", files={"image": ("x", photo[:5000])})
        await self.ask("unknown mesh", "GET", f"/v1/mesh/{'0' * 32}.glb")
        try:
            files = {"image": ("photo.jpg", photo)}
            await self._client.post("/v1/reconstruct?bbox=1,1,90,90", files=files, timeout=_LEAVES_AFTER)
        except httpx2.TimeoutException:
            self._statuses["photo", "left"] += 1

    async def film(self, film: bytes) -> None:
        """A film, followed to its end by events, its files, and its end."""
        query = "format=glb&format=rigged&format=npz&format=json&overlay=true"
        job = await self.ask("film", "POST", f"/v1/videos?{query}", files={"video": ("film.mp4", film)})
        if job is None:
            return
        await self.ask("events", "GET", job.json()["events"])  # until the job has ended
        this = f"/v1/jobs/{job.json()['id']}"
        if ended := await self.ask("job", "GET", this):
            self._statuses["film", ended.json()["status"]] += 1
            for file in ended.json()["files"]:
                await self.ask("file", "GET", file["url"])
        await self.ask("delete", "DELETE", this)


async def soak(
    service: Served, clients: int, seconds: float, films: bool = True
) -> tuple[list[int], Counter[tuple[str, str]]]:
    """Let so many clients send photos, and one more films, each one after the other.

    Returns:
        The service's memory in bytes, sampled a hundred times, and how often each status was met by what.
    """
    statuses: Counter[tuple[str, str]] = Counter()
    memory: list[int] = []
    end = time.monotonic() + seconds
    people, one, film = _SAMPLE.read_bytes(), a_photo(), a_film()

    async def repeat(turns: Sequence[Callable[[], Awaitable[None]]]) -> None:
        while time.monotonic() < end:
            for turn in turns:
                await turn()

    async with httpx2.AsyncClient(base_url=service.url, timeout=300) as client:
        visitor = Visitor(client, statuses)
        turns = [
            lambda: visitor.photo(one, "vertices=true"),
            lambda: visitor.wrong(one),
            lambda: visitor.photo(people, "rigged=true&colors=person"),
            lambda: visitor.batch(one),
            lambda: visitor.photo(people, "subject=hand"),
        ]
        sending = [asyncio.create_task(repeat(turns[turn:] + turns[:turn])) for turn in range(clients)]
        if films:
            sending.append(asyncio.create_task(repeat([lambda: visitor.film(film)])))
        while time.monotonic() < end:
            await asyncio.sleep(seconds / 100)
            memory.append(service.memory())
        await asyncio.gather(*sending)
    return memory, statuses


def growth(memory: Sequence[int]) -> float:
    """How much memory grew over the second half, in bytes, by a straight line: the first half warms caches up.

    Of five samples that follow one another the least counts: what photos and films that are under way take comes and
    goes, by a hundred megabytes, and is no growth.
    """
    half = np.asarray(memory[len(memory) // 2 :], np.float64)
    least = half[: len(half) // _WINDOW * _WINDOW].reshape(-1, _WINDOW).min(axis=1)
    return float(np.polyfit(np.arange(len(least)), least, 1)[0] * len(least))


def left_over(folder: Path) -> list[str]:
    """What lies in the service's folders, but for its locks."""
    return [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.name != ".lock"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak and print its memory; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--bound", type=float, default=64, help="MiB that the second half may add: films come and go")
    parser.add_argument("--module", default="service", help="what to run, by python -m")
    parser.add_argument("--no-films", action="store_true", help="photos alone")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(options.module, {"MPT_STORE_DIR": f"{folder}/meshes"}) as service,
    ):
        begun = service.memory()
        memory, statuses = asyncio.run(soak(service, options.clients, 60 * options.minutes, not options.no_films))
        print(f"ready  {begun / MIB:7.1f} MiB")
        for share in range(0, 101, 10):
            print(f"{share:3d} %  {memory[min(share, len(memory) - 1)] / MIB:7.1f} MiB")
        print(f" most  {service.memory('VmHWM') / MIB:7.1f} MiB")
        for what in sorted({what for what, _ in statuses}):
            met = ", ".join(f"{count} x {status}" for (kind, status), count in sorted(statuses.items()) if kind == what)
            print(f"{what}: {met}")
        # Whom nobody waits for may still have been answered: kept, and deleted by its time.
        grown, left = growth(memory) / MIB, left_over(Path(folder))
        print(f"{len(left)} files left; the second half added {grown:.1f} MiB, the bound is {options.bound:g}")
        return int(grown > options.bound or any(status.startswith("5") for _, status in statuses))


if __name__ == "__main__":
    sys.exit(main())
