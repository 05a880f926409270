#!/usr/bin/env bash
# What:     Pillow 12.0.0 (PyPI, Linux wheels), Image.save(..., "AVIF", exif=Image.Exif).
# Expected: The EXIF that JPEG, PNG and WebP keep is kept in AVIF too: a focal length of 50 mm, noted by a camera held upright.
# Seen:     It is lost without a word. AvifImagePlugin deletes the orientation, which AVIF has boxes for, and then asks
#           whether anything is left; an Image.Exif of which only a sub-directory was filled (get_ifd) has length 0.
#           The same EXIF as bytes (exif.tobytes()) is kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pillow==12.0.0
cat > "$folder/save.py" <<'PY'
import io
import sys

from PIL import Image


def focal_length(format, as_bytes):
    exif = Image.Exif()
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0xA405] = 50
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, format, exif=exif.tobytes() if as_bytes else exif)
    return Image.open(file).getexif().get_ifd(0x8769).get(0xA405)


found = {(format, how): focal_length(format, how) for format in ("JPEG", "PNG", "WEBP", "AVIF") for how in (False, True)}
for (format, as_bytes), value in found.items():
    print(f"{format}, exif as {'bytes' if as_bytes else 'Image.Exif'}: focal length {value}")
lost = [key for key, value in found.items() if value != 50]
sys.exit(lost != [("AVIF", False)])
PY
"$folder/venv/bin/python" "$folder/save.py"
