"""Videos of ours in a browser, and the browser's own in ours."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from model.video.reading import VideoReader
from model.video.writing import VideoWriter

PLAY = """async (source) => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = source;
    const ended = new Promise((resolve, reject) => {
        video.onended = resolve;
        video.onerror = () => reject(new Error(video.error.message));
    });
    await video.play();
    const half = new Promise((resolve) => (video.ontimeupdate = () => video.currentTime > 0.7 && resolve()));
    await half;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const middle = Array.from(context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data).slice(0, 3);
    await ended;
    return [video.duration, video.videoWidth, video.videoHeight, video.currentTime, middle];
}"""

RECORD = """async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [64, 48];
    const context = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: "video/webm;codecs=vp8" });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    const start = performance.now();
    for (let frame = 0; frame < 12; frame++) {
        context.fillStyle = `rgb(${20 * frame}, 0, 0)`;
        context.fillRect(0, 0, 64, 48);
        await new Promise((resolve) => setTimeout(resolve, frame === 5 ? 600 : 60));
    }
    const seconds = (performance.now() - start) / 1000;
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return [seconds, btoa(String.fromCharCode(...bytes))];
}"""


def test_an_overlay_plays_and_lasts_as_long_as_its_film(blank, tmp_path: Path):
    path = tmp_path / "clip.overlay.webm"
    writer = VideoWriter(path, (162, 120), 25.0)
    times = [*np.arange(0, 0.6, 0.04), *np.arange(0.6, 1.45, 0.12)]  # a phone that slows down
    for when in times:
        writer.add(when, np.full((120, 162, 3), (200, 60, 20), np.uint8))
    writer.finish()
    source = "data:video/webm;base64," + base64.b64encode(path.read_bytes()).decode()
    duration, width, height, played, middle = blank.evaluate(PLAY, source)
    assert (width, height) == (162, 120)
    assert duration == pytest.approx(times[-1] + 0.04, abs=0.03)
    assert played == pytest.approx(duration, abs=0.05)
    assert middle == pytest.approx([200, 60, 20], abs=12)


def test_a_recording_of_a_browser_is_read_at_its_times(blank, tmp_path: Path):
    """It has no length, and a rate of 1000 frames a second."""
    seconds, data = blank.evaluate(RECORD)
    path = tmp_path / "recording.webm"
    path.write_bytes(base64.b64decode(data))
    reader = VideoReader(path, 1000, 10**6)
    times = np.array([when for when, _ in reader])
    assert len(times) >= 8
    assert seconds - 0.5 < times[-1] < seconds + 0.1
    assert np.diff(times).max() > 0.4  # the pause
    assert reader.missing() is None
