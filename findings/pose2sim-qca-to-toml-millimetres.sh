#!/usr/bin/env bash
# What:     Pose2Sim 0.10.49 (PyPI), `calib_qca_to_toml`, which turns Qualisys' calibrations into Pose2Sim's.
# Expected: A camera 3 m from the world's origin is 3 m from it: |translation| of the TOML is 3, as `Calib*.toml` is in
#           metres, and as the package's own calibration step has it.
# Seen:     It is 0.003: the reader makes metres of millimetres, and the converter divides by 1000 once more. Points are then
#           projected as if all cameras stood on one spot; rotations and lenses are as they should be. Whoever reads such a
#           file must ask whether the true points lie in the pictures.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "opencv-python-headless==4.12.0.88" "numpy>=2,<2.3" lxml==6.0.2
"$folder/venv/bin/pip" install -q --no-deps pose2sim==0.10.49
cat > "$folder/Calib.qca.txt" <<'XML'
<?xml version="1.0" encoding="ASCII"?>
<calibration source="made by hand"><cameras>
<camera serial="cam01" model="Miqus Video" avg-residual="0.4" active="1" viewrotation="0">
<fov_video left="0" top="0" right="1919" bottom="1079"/>
<transform x="0" y="-3000" z="0" r11="1" r12="0" r13="0" r21="0" r22="0" r23="1" r31="0" r32="-1" r33="0"/>
<intrinsic focalLengthU="96000" focalLengthV="96000" centerPointU="61440" centerPointV="34560" skew="0"
 radialDistortion1="0" radialDistortion2="0" radialDistortion3="0" tangentalDistortion1="0" tangentalDistortion2="0"/>
</camera></cameras></calibration>
XML
cat > "$folder/convert.py" <<'PY'
import runpy
import sys
import tomllib
from importlib.metadata import distribution

import numpy as np

file = distribution("pose2sim").locate_file("Pose2Sim/Utilities/calib_qca_to_toml.py")
module = runpy.run_path(str(file))
module["calib_qca_to_toml_func"](sys.argv[1])
camera = tomllib.load(open(sys.argv[1].replace(".qca.txt", ".toml"), "rb"))["cam_1"]
distance = float(np.linalg.norm(camera["translation"]))
print(f"{camera['name']}: focal length {camera['matrix'][0][0]:g} px, {distance:g} from the origin instead of 3 m")
sys.exit(not np.isclose(distance, 0.003))
PY
"$folder/venv/bin/python" "$folder/convert.py" "$folder/Calib.qca.txt"
