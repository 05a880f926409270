#!/usr/bin/env bash
# What:     opensim 4.6 (PyPI), `TimeSeriesTableVec3(file)`, its reader of TRC files (TRCFileAdapter).
# Expected: A marker that is not seen in a frame has blank cells, as motion capture systems write them; the reader makes NaN of
#           them, wherever the marker stands.
# Seen:     It does for all but the last marker: blank cells at a line's end are a wrong "number of columns", and the whole file
#           is refused. `MarkerData(file)`, the older reader of the same library, takes it. "NaN" in the cells is read by both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q opensim==4.6 numpy
cat > "$folder/read.py" <<'PY'
import math
import sys

import opensim

opensim.Logger.setLevelString("off")
HEAD = (
    "PathFileType\t4\t(X/Y/Z)\twalk.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    "30\t30\t2\t2\tm\t30\t1\t2\nFrame#\tTime\tA\t\t\tB\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n"
)
SEEN, BLANK = "\t1.0\t2.0\t3.0", "\t\t\t"


def read(first: str, second: str):
    """The table, and the older reader's number of markers; None for what is refused."""
    path = f"{sys.argv[1]}/walk.trc"
    with open(path, "w") as file:
        file.write(f"{HEAD}1\t0.0{first}{second}\n2\t0.033{SEEN}{SEEN}\n")
    try:
        table = opensim.TimeSeriesTableVec3(path)
    except RuntimeError:
        table = None
    try:
        old = opensim.MarkerData(path).getNumMarkers()
    except RuntimeError:
        old = None
    return table, old


blank_first, blank_last, nan_last = read(BLANK, SEEN), read(SEEN, BLANK), read(SEEN, "\tNaN\tNaN\tNaN")
for name, (table, old) in {"first": blank_first, "last": blank_last, "NaN last": nan_last}.items():
    print(f"{name}: table {'refused' if table is None else 'read'}, markers of the older reader {old}")
is_nan = all(
    table is not None and math.isnan(table.getDependentColumn(name)[0][0])
    for (table, _), name in ((blank_first, "A"), (nan_last, "B"))
)
sys.exit(not (is_nan and blank_last[0] is None and blank_last[1] == 2 and nan_last[1] == 2))
PY
"$folder/venv/bin/python" "$folder/read.py" "$folder"
