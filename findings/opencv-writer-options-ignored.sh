#!/usr/bin/env bash
# What:     opencv-python-headless 4.12.0.88 and 5.0.0.93 (PyPI, Linux wheels), cv2.VideoWriter with CAP_FFMPEG.
# Expected: OPENCV_FFMPEG_WRITER_OPTIONS="key;value|key;value" reaches the encoder, as OPENCV_FFMPEG_CAPTURE_OPTIONS does
#           the reader: OpenCV's source reads it (modules/videoio/src/cap_ffmpeg_impl.hpp, CvVideoWriter_FFMPEG::open), and
#           many programs set it to choose a bit rate, a speed or a quality.
# Seen:     It changes nothing. With a twentieth of the bit rate ("b"), or every frame a key frame ("g"), files are the
#           same number of bytes, of MPEG-4, VP8 and VP9 alike. There is thus no way to make the VP9 encoder of the wheels fast;
#           VP8 takes a sixth of its time at the bit rate that both are given.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/write.py" <<'PY'
import os
import sys

import cv2
import numpy as np

random = np.random.default_rng(0)
frames = [cv2.resize(random.integers(0, 255, (24, 32, 3), np.uint8), (320, 240)) for _ in range(12)]
for code, ending in (("mp4v", "avi"), ("VP80", "mkv"), ("vp09", "mp4")):
    path = f"{sys.argv[1]}.{ending}"
    writer = cv2.VideoWriter(path, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), 25, (320, 240))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    print(code, os.path.getsize(path))
PY
for version in 4.12.0.88 5.0.0.93; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q "opencv-python-headless==$version" "numpy>=2,<2.3"
    python="$folder/$version/bin/python"
    plain=$("$python" "$folder/write.py" "$folder/plain")
    for options in "b;20000|maxrate;20000|bufsize;20000" "g;1" "deadline;realtime|cpu-used;8"; do
        told=$(OPENCV_FFMPEG_WRITER_OPTIONS="$options" "$python" "$folder/write.py" "$folder/told")
        echo "$version with $options: $(echo $told), without: $(echo $plain)"
        [ "$told" = "$plain" ] || { echo "The options are heeded now."; exit 1; }
    done
done
