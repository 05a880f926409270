"""Joints in motion as TRC, the text of tables that OpenSim and Pose2Sim read: metres, y up."""

from __future__ import annotations

from model.formats.markers import Markers


def to_trc(markers: Markers, name: str) -> bytes:
    """Write points; where nobody is there, cells are NaN: empty ones at a line's end are a broken file to OpenSim 4.6.

    Args:
        markers: What moves.
        name: Of the file, which stands in its first line.
    """
    frames, count = markers.positions.shape[:2]
    rate = f"{markers.rate:.6g}"
    axes = "".join(f"\tX{number}\tY{number}\tZ{number}" for number in range(1, count + 1))
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{frames}\t{count}\tm\t{rate}\t1\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(markers.names) + "\t\t",
        f"\t{axes}",
    ]
    form = "\t".join(["%.5f"] * 3 * count)
    for number, row in enumerate(markers.positions.reshape(frames, -1).tolist()):
        cells = (form % tuple(row)).replace("nan", "NaN")
        lines.append(f"{number + 1}\t{number / markers.rate:.6f}\t{cells}")
    return ("\n".join(lines) + "\n").encode()
