#!/usr/bin/env bash
# What:     opencv-python-headless 5.0.0.93 against 4.12.0.88 (PyPI), cv2.VideoCapture.read() of a Theora film that FFmpeg
#           4.2.2 wrote.
# Expected: read() is False at the end of a film, as the documentation's loop ("if not ret: break") takes it, and 4.12.0
#           does. A frame that repeats the one before has an empty packet in Theora; a decoder passes over it, or gives
#           the frame again.
# Seen:     In 5.0.0 read() is False once for each repeated frame, and True for the next one: a loop that ends at the first
#           False has a part of the film, and none of it where the second frame repeats the first. Reading on past some
#           failures gives all frames, as it does in damaged films.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/make"
"$folder/make/bin/pip" install -q imageio-ffmpeg==0.4.5
ffmpeg=$("$folder/make/bin/python" -c "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())")
# A picture that changes once a second, at ten frames a second.
"$ffmpeg" -v error -f lavfi -i "testsrc=size=160x128:rate=1:duration=4" -r 10 -c:v libtheora -q:v 7 "$folder/film.ogv"
cat > "$folder/read.py" <<'PY'
import sys

import cv2

capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
told = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
got = [capture.read()[0] for _ in range(told + 20)]
last = max(i for i, there in enumerate(got) if there)
print(got.index(False), got[: last + 1].count(False), sum(got))
PY
for version in 4.12.0.88 5.0.0.93; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q "opencv-python-headless==$version" "numpy>=2,<2.3"
    read -r before failures all < <(OPENCV_FFMPEG_LOGLEVEL=-8 "$folder/$version/bin/python" "$folder/read.py" "$folder/film.ogv")
    echo "$version: $before frames before the first failure, $failures failures before the last of $all frames"
    case $version in
        4.*) [ "$failures" = 0 ] || { echo "4.12.0 is no better than 5.0.0."; exit 1; } ;;
        5.*) [ "$failures" -gt 0 ] || { echo "A failure is the end again."; exit 1; } ;;
    esac
done
