"""The HTTP service: one photo in, every person's 3D joints and body mesh out."""

import os

# OpenCV reads this once, when it is first imported. It is the last line of defence against decompression bombs: the
# limit that users meet is `Settings.max_pixels`, checked on the file's header before OpenCV sees a byte.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "100000000")
