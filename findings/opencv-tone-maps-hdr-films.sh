#!/usr/bin/env bash
# What:     opencv-python-headless 4.12.0.88 and 5.0.0.93 (PyPI, Linux wheels, FFmpeg 5.1 and 8), cv2.VideoCapture of HDR
#           films, 10 bits, BT.2020, as telephones (HLG) and cameras (PQ) write them; PyAV 16.0.1 writes them here, and reads.
# Expected: Eight bits without a word on colours: the film's code values, so that white at 203 nits, as BT.2408 has it in
#           both, is 191 of 255 (HLG) or 148 (PQ), and pictures are dull. What the same code gave with 4.12; nothing in
#           OpenCV's change log says otherwise.
# Seen:     5.0 converts colours: white is 254, grey of 128 is 135, a red of 200, 30, 30 is 208, 48, 39. libswscale 9 converts
#           transfer functions and primaries, too, where it is given whole frames, as OpenCV does since FFmpeg 8 is in it.
#           PyAV's to_ndarray gives code values. So a network that reads films by OpenCV sees other pictures than one that
#           reads by PyAV, and than itself before the update, without any setting.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/hdr.py" <<'PY'
import sys

import av
import cv2
import numpy as np

folder, converts = sys.argv[1], sys.argv[2] == "converts"
SIDE = 64
colours = np.array([(255, 255, 255), (128, 128, 128), (200, 30, 30)]) / 255
linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
nits = 203 * linear @ to_2020.T
luma = np.array([0.2627, 0.6780, 0.0593])


def hlg(nits):
    scene = nits / 1000 * ((nits @ luma) / 1000)[:, None] ** (1 / 1.2 - 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def pq(nits):
    power = (nits / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def write(path, codes, transfer):
    blue, red = (codes[:, 2] - codes @ luma) / 1.8814, (codes[:, 0] - codes @ luma) / 1.4746
    planes = [(876 * codes @ luma + 64, 1), (896 * blue + 512, 2), (896 * red + 512, 2)]
    with av.open(path, "w") as film:
        stream = film.add_stream("libx265", rate=25, options={"x265-params": "log-level=none", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = SIDE * len(codes), SIDE, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, transfer, 9, 1
        for _ in range(4):
            frame = av.VideoFrame(stream.width, SIDE, "yuv420p10le")
            for plane, (values, step) in zip(frame.planes, planes):
                row = np.repeat(values.round().astype(np.uint16), SIDE // step)
                lines = np.zeros((SIDE // step, plane.line_size // 2), np.uint16)
                lines[:, : len(row)] = row
                plane.update(lines.tobytes())
            film.mux(stream.encode(frame))
        film.mux(stream.encode())


def patches(picture):
    return picture[SIDE // 2, SIDE // 2 :: SIDE].astype(int).tolist()


for name, codes, transfer in (("HLG", hlg(nits), 18), ("PQ", pq(nits), 16)):
    path = f"{folder}/{name}.mp4"
    write(path, codes, transfer)
    there, picture = cv2.VideoCapture(path).read()
    assert there
    seen = patches(picture[..., ::-1])
    with av.open(path) as film:
        plain = patches(next(film.decode(video=0)).to_ndarray(format="rgb24"))
    print(f"{cv2.__version__}, {name}: white, grey, red are {seen}; by PyAV {plain}")
    white, red = seen[0][1], seen[2]
    if not (white > 245 and red[0] > 190 if converts else white < 200 and red[0] < 160) or plain[0][1] > 200:
        sys.exit("That is no longer so.")
PY
for version in 4.12.0.88:codes 5.0.0.93:converts; do
    number=${version%%:*}
    python3 -m venv "$folder/$number"
    "$folder/$number/bin/pip" install -q "opencv-python-headless==$number" "numpy>=2,<2.3" "av==16.0.1"
    "$folder/$number/bin/python" "$folder/hdr.py" "$folder" "${version##*:}"
done
