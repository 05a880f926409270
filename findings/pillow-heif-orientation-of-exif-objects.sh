#!/usr/bin/env bash
# What:     pillow-heif 1.8.1 with Pillow 12.0.0 (PyPI, Linux wheels), Image.save(..., "HEIF", exif=...), which turns EXIF's
#           orientation into HEIC's own box (irot), as its reader and the standard want it.
# Expected: exif=Image.Exif, which Pillow's own formats take, does what exif=bytes does: a photo stored on its side, orientation
#           6, is upright when it is read.
# Seen:     Of an Image.Exif no box is made. The reader then resets the EXIF's orientation to 1, as HEIC's is told by boxes: the
#           photo lies on its side, and ImageOps.exif_transpose finds nothing to do. Of bytes it is upright.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pillow==12.0.0 pillow-heif==1.8.1
cat > "$folder/save.py" <<'PY'
import io
import sys

from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

register_heif_opener()
exif = Image.Exif()
exif[0x0112] = 6  # to be turned by a quarter


def upright(as_bytes):
    file = io.BytesIO()
    Image.new("RGB", (128, 64)).save(file, "HEIF", exif=exif.tobytes() if as_bytes else exif)
    return ImageOps.exif_transpose(Image.open(file)).size


of_bytes, of_object = upright(True), upright(False)
print(f"128 x 64 pixels with orientation 6: {of_bytes} of bytes, {of_object} of an Image.Exif")
sys.exit((of_bytes, of_object) != ((64, 128), (128, 64)))
PY
"$folder/venv/bin/python" "$folder/save.py"
