#!/usr/bin/env bash
# What:     The licence of pillow-heif 1.8.1's wheel for Linux (PyPI).
# Expected: The metadata, which PyPI shows and tools such as pip-licenses collect, say under what the installed files may be
#           passed on.
# Seen:     They say BSD-3-Clause, and mean the sources. The wheel bundles libheif and libde265 (LGPL-3.0) and the encoder x265
#           (GPL-2.0), and its own LICENSES_bundled.txt says that as a whole it is under the GPL, version 2; only reading needs
#           no x265. An image or an installer that contains the wheel is distributed under the GPL.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" download -q --no-deps --only-binary :all: --platform manylinux_2_28_x86_64 --python-version 3.12 \
    --dest "$folder" pillow-heif==1.8.1
python3 -m zipfile -e "$folder"/pillow_heif-*.whl "$folder/wheel"
metadata=$(grep '^License' "$folder"/wheel/*.dist-info/METADATA)
bundled=$(ls "$folder"/wheel/pillow_heif.libs)
says=$(grep -i 'binary wheels' "$folder"/wheel/*.dist-info/licenses/LICENSES_bundled.txt)
printf '%s\n' "$metadata" "$bundled" "$says"
grep -q '^License: BSD-3-Clause$' <<< "$metadata" && grep -q x265 <<< "$bundled" && grep -q GPLv2 <<< "$says"
