#!/usr/bin/env bash
# What:     opencv-python-headless 5.0.0.93 (PyPI), cv2.triangleRasterize of a square made of two triangles.
# Expected: Every pixel inside the square is drawn, whichever way round the triangles are, as graphics cards promise:
#           a centre on the edge between two triangles belongs to one of them.
# Seen:     Of triangles that are counter-clockwise in OpenCV's y-up camera, pixels whose centres lie on the common edge
#           can be left out by both, and the background shows through; the same triangles clockwise leave no gap.
#           Turning all faces round, with RASTERIZE_CULLING_CCW in place of RASTERIZE_CULLING_CW, closes them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q "opencv-python-headless==5.0.0.93"
"$folder/env/bin/python" - <<'PY'
import math

import cv2
import numpy as np

size = 100
square = np.array([(-1, 1, -4), (-1, -1, -4), (1, -1, -4), (1, 1, -4)], np.float32)
triangles = np.array([(0, 1, 2), (0, 2, 3)], np.int32)
gaps = {}
for name, faces in (("counter-clockwise", triangles), ("clockwise", np.ascontiguousarray(triangles[:, ::-1]))):
    colour, depth = np.zeros((size, size, 3), np.float32), np.full((size, size), 9, np.float32)
    settings = cv2.TriangleRasterizeSettings().setCullingMode(cv2.RASTERIZE_CULLING_NONE)
    field = 2 * math.atan(size / 2 / 120)  # the square covers the pixels from 20 to 80
    cv2.triangleRasterize(
        square, faces, np.ones_like(square), colour, depth, np.eye(4, dtype=np.float32), field, 0.01, 9.0, settings
    )
    gaps[name] = int((colour[25:75, 25:75, 0] == 0).sum())
print(cv2.__version__, "pixels inside the square that are not drawn:", gaps)
assert gaps["clockwise"] == 0, "triangles have gaps both ways round"
assert gaps["counter-clockwise"] > 0, "the gaps are closed"
PY
