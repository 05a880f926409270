"""Who sends a body at the moment, and who gives way where there are too many.

To be about to send costs a client nothing, so that the places for it must not be kept by who sends nothing: where they
run out, the upload that has been silent for longest loses its place to whoever comes. One client alone has a part of
them, however fast it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

from service.inference.batcher import Overloaded, TooManyOfOne

SILENT_SECONDS = 2.0
"""Who sent nothing for so long may have to give way, ..."""
SLOWEST = 8 * 1024
"""... and so may who sent fewer bytes a second, all in all."""


class Upload:
    """A body under way.

    Attributes:
        client: Whose it is.
        video: Whether it is a video's.
        given_up: Whether it has lost its place.
        heard: When bytes came, for the last time.
        ended: Set once nothing is left of it.
    """

    def __init__(self, client: str, video: bool, clock: Callable[[], float]) -> None:
        self.client, self.video, self.given_up = client, video, False
        self._clock, self._received = clock, 0
        self._began = self.heard = clock()
        self.ended = anyio.Event()
        self._waiting: anyio.CancelScope | None = None

    def wait(self, end: float) -> anyio.CancelScope:
        """A block that waits for bytes until a time of `anyio.current_time`, or until the upload is given up."""
        self._waiting = anyio.CancelScope(deadline=end)
        return self._waiting

    def note(self, received: int) -> None:
        """So many bytes came."""
        self._received += received
        self.heard = self._clock()

    @property
    def is_waited_for(self) -> bool:
        """Whether anybody has begun to read it, who is told if it gives way."""
        return self._waiting is not None

    def is_slow(self) -> bool:
        """Whether it may have to give way."""
        now = self._clock()
        silent, age = now - self.heard, now - self._began
        return silent >= SILENT_SECONDS or (age >= SILENT_SECONDS and self._received < SLOWEST * age)

    def give_up(self) -> None:
        """Take its place away; who waits for its bytes waits no longer."""
        self.given_up = True
        if self._waiting is not None:
            self._waiting.cancel()


class Uploads:
    """All bodies under way.

    Args:
        of_one: How many one client may send at once.
        most: How many there may be.
        clock: Seconds.
    """

    def __init__(self, of_one: int, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_one, self._most, self._clock = of_one, most, clock
        self._under_way: set[Upload] = set()

    def begin(self, client: str, video: bool) -> Upload:
        """A place for a body; `arrived` follows.

        Raises:
            TooManyOfOne: The client has as many as one may have, none of them slow.
            Overloaded: There are as many as there may be, none of them slow.
        """
        own = {upload for upload in self._under_way if upload.client == client}
        if len(own) >= self._of_one and self._give_way(own) is None:
            raise TooManyOfOne(
                f"You send too much at once: a client may have {self._of_one} uploads under way "
                "(MPT_UPLOADS_PER_CLIENT). Send the next when one of them has arrived."
            )
        if len(self._under_way) >= self._most and self._give_way(self._under_way) is None:
            raise Overloaded("The service is busy: too many photos are being sent at once. Try again in a moment.")
        upload = Upload(client, video, self._clock)
        self._under_way.add(upload)
        return upload

    def arrived(self, upload: Upload) -> None:
        """All of it is there, or no more will come."""
        self._under_way.discard(upload)

    async def make_room_for_video(self) -> bool:
        """Have the slowest video that arrives give way, and wait until nothing is left of it; whether there was one.

        None that is not read yet: it may be the caller's own, or one that waits here too, and would never end.
        """
        upload = self._give_way({upload for upload in self._under_way if upload.video and upload.is_waited_for})
        if upload is not None:
            await upload.ended.wait()
        return upload is not None

    def _give_way(self, uploads: set[Upload]) -> Upload | None:
        slow = min((each for each in uploads if each.is_slow()), key=lambda each: each.heard, default=None)
        if slow is not None:
            self._under_way.discard(slow)
            slow.give_up()
        return slow
