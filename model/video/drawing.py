"""A film with its people's bodies drawn over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from model.rendering.overlay import overlay
from model.rendering.rasterizer import is_closed
from model.rendering.shading import Figure
from model.video.tracks import Track
from model.video.writing import VideoWriter

_SLOWEST = 1.0  # frame a second in an overlay: players take slower ones for stuck


def draw(
    path: Path,
    frames: Iterable[np.ndarray],
    scale: float,
    times: Sequence[float],
    tracks: Sequence[Track],
    rate: float,
    faces: np.ndarray,
    tick: Callable[[], None],
) -> bool:
    """Write the film with each frame's bodies over it; whether there was a frame.

    Args:
        path: The file.
        frames: (H, W, 3) uint8 RGB, as many as times.
        scale: Their size by that of the film's frames.
        times: Seconds, rising.
        tracks: The people.
        rate: Frames a second; frames that come late stand for longer.
        faces: (F, 3) of their meshes.
        tick: Called after each frame.
    """
    where = [{frame: index for index, frame in enumerate(track.frames)} for track in tracks]
    writer: VideoWriter | None = None
    closed = is_closed(faces)
    try:
        for number, (time, frame) in enumerate(zip(times, frames)):  # a webcam may have been interrupted between
            if writer is None:
                writer = VideoWriter(path, (frame.shape[1], frame.shape[0]), max(rate, _SLOWEST))
            people = [track.person(index[number]) for track, index in zip(tracks, where) if number in index]
            figures = [Figure(person.camera.to_camera(person.vertices), faces, person.colors) for person in people]
            if people:
                x, y = people[0].camera.principal_point
                lens = scale * people[0].camera.focal_length
                frame = overlay(frame, figures, lens, (scale * x, scale * y), closed=closed)
            writer.add(time, frame)
            tick()
        if writer is None:
            return False
        writer.finish(times[-1] + 1 / rate)
        return True
    finally:
        if writer is not None:
            writer.abandon()
