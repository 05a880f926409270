#!/usr/bin/env bash
# What:     opencv-python-headless 4.12.0.88 and 5.0.0.93 (PyPI, Linux wheels), cv2.cvtColor to Lab and Luv.
# Expected: Converting one pixel takes microseconds, as to XYZ or HSV; float32 pixels, or linear ones, need no table at all.
# Seen:     The first conversion of a process takes some 100 ms, whatever its depth and however few its pixels: it calls
#           initLabTabs (color_lab.cpp), which fills the tables of every variant, 33^3 colours of a cube among them, in softfloat,
#           arithmetic that is emulated so that it is the same on all machines. The second one takes microseconds. Of few pixels
#           the way round is cv2.COLOR_RGB2XYZ, which has no table, and a cube root in numpy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/first.py" <<'PY'
import sys
import time

import cv2
import numpy as np

cv2.setNumThreads(1)
code, depth = sys.argv[1:]
pixel = np.full((1, 1, 3), 100, np.uint8) if depth == "uint8" else np.full((1, 1, 3), 0.4, np.float32)
cv2.cvtColor(pixel, cv2.COLOR_RGB2GRAY)  # what OpenCV does at its first call of all


def taken():
    """Milliseconds of processor time."""
    start = time.process_time()
    cv2.cvtColor(pixel, getattr(cv2, code))
    return 1000 * (time.process_time() - start)


first, second = taken(), taken()
print(f"{cv2.__version__}, {code}, {depth}: {first:.2f} ms, then {second:.3f} ms")
slow = first > 10 and first > 20 * second
if slow != (code != "COLOR_RGB2XYZ"):
    sys.exit("That is no longer so.")
PY
for version in 4.12.0.88 5.0.0.93; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q "opencv-python-headless==$version" "numpy>=2,<2.3"
    for code in COLOR_RGB2Lab COLOR_LRGB2Lab COLOR_RGB2Luv COLOR_RGB2XYZ; do
        for depth in uint8 float32; do
            "$folder/$version/bin/python" "$folder/first.py" "$code" "$depth"
        done
    done
done
