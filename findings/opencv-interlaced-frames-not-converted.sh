#!/usr/bin/env bash
# What:     opencv-python-headless 4.13.0.92 and 5.0.0.93 (PyPI, Linux wheels, FFmpeg 8), cv2.VideoCapture of interlaced films:
#           DVDs, HDV, AVCHD of camcorders.
# Expected: As in 4.12.0.88 (FFmpeg 5.1): frames whose two halves are woven into one picture; or False where that cannot be.
# Seen:     read() says True, and no picture is written: it is the same in all frames, and not the film's. OpenCV converts by
#           sws_scale_frame now, into a frame that is not marked as interlaced, which libswscale 9 refuses ("Cannot convert
#           interlaced to progressive frames or vice versa") and OpenCV does not heed. No option of the capture helps, nor does
#           CAP_PROP_CONVERT_RGB. The way round is to make the film progressive first: ffmpeg -vf bwdif.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/interlaced.py" <<'PY'
import re
import sys

import cv2
import numpy as np

path, reads = sys.argv[1], sys.argv[2] == "reads"
writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MPG2"), 25, (64, 64))
for index in range(8):
    writer.write(np.full((64, 64, 3), 30 + 20 * index, np.uint8))
writer.release()


def means():
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    read = [capture.read() for _ in range(8)]
    assert all(there for there, _ in read)
    return [round(float(picture.mean())) for _, picture in read]


progressive = means()
data = bytearray(open(path, "rb").read())
for match in re.finditer(rb"\x00\x00\x01\xb5", bytes(data)):
    at = match.end()
    if data[at] >> 4 == 1:  # sequence extension: progressive_sequence = 0
        data[at + 1] &= ~0x08
    elif data[at] >> 4 == 8:  # picture coding extension: chroma_420_type = 0, progressive_frame = 0
        data[at + 3] &= ~0x01
        data[at + 4] &= ~0x80
open(path, "wb").write(data)
interlaced = means()
print(f"{cv2.__version__}: mean of the pictures {progressive}, marked as interlaced {interlaced}")
if (interlaced == progressive) != reads or (not reads and len(set(interlaced)) != 1):
    sys.exit("That is no longer so.")
PY
for version in 4.12.0.88:reads 4.13.0.92:leaves 5.0.0.93:leaves; do
    number=${version%%:*}
    python3 -m venv "$folder/$number"
    "$folder/$number/bin/pip" install -q "opencv-python-headless==$number" "numpy>=2,<2.3"
    "$folder/$number/bin/python" "$folder/interlaced.py" "$folder/$number.m2v" "${version##*:}"
done
