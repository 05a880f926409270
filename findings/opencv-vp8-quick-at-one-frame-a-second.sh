#!/usr/bin/env bash
# What:     opencv-python-headless 4.12.0.88 and 5.0.0.93 (PyPI, Linux wheels), cv2.VideoWriter with "VP80" (libvpx).
# Expected: Encoding a frame takes as long whatever the rate that the file is given: the writer asks for so many bits a pixel.
# Seen:     At one frame a second or less it takes a third of the time or less, for frames of the same size and quality. The
#           wheel's FFmpeg gives libvpx a deadline of a second ("good"), and libvpx turns to its real-time mode by itself if a
#           frame stands for as long as that (pick_quickcompress_mode in vp8_cx_iface.c). No option of OpenCV's reaches that
#           mode (opencv-writer-options-ignored.sh); writing at one frame a second and changing TimecodeScale and
#           DefaultDuration in the Matroska header afterwards does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/write.py" <<'PY'
import os
import sys
import time

import cv2
import numpy as np

cv2.setNumThreads(1)
random = np.random.default_rng(0)
scene = cv2.resize(random.integers(0, 255, (72, 128, 3), np.uint8), (1280, 720), interpolation=cv2.INTER_CUBIC)
frames = []
for number in range(40):  # a pan, with a camera's noise
    noise = random.normal(0, 3, (360, 640, 3))
    part = scene[100 + 2 * number : 460 + 2 * number, 100 + 4 * number : 740 + 4 * number]
    frames.append(np.clip(part + noise, 0, 255).astype(np.uint8))


def write(rate):
    """Milliseconds of processor time a frame, kilobytes, mean PSNR."""
    path = f"{sys.argv[1]}/{rate}.mkv"
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"VP80"), rate, (640, 360))
    start = time.process_time()
    for frame in frames:
        writer.write(frame)
    writer.release()
    taken = time.process_time() - start
    reader = cv2.VideoCapture(path)
    quality = np.mean([cv2.PSNR(frame, reader.read()[1]) for frame in frames])
    return 1000 * taken / len(frames), os.path.getsize(path) // 1000, quality


write(30.0)
usual, quick = write(30.0), write(1.0)
for rate, (taken, size, quality) in ((30, usual), (1, quick)):
    print(f"{cv2.__version__}, {rate} frames a second: {taken:.1f} ms a frame, {size} kB, {quality:.1f} dB")
if quick[0] > 0.5 * usual[0] or quick[2] < usual[2] - 1:
    sys.exit("It makes no such difference any more.")
PY
for version in 4.12.0.88 5.0.0.93; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q "opencv-python-headless==$version" "numpy>=2,<2.3"
    "$folder/$version/bin/python" "$folder/write.py" "$folder"
done
