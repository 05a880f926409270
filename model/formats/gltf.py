"""Writes a binary glTF 2.0 file with meshes, of which one may move or have a skeleton."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.body.motion import TIME_ROUNDING

_FLOAT, _UNSIGNED = 5126, 5125
_BYTE, _SHORT = 5121, 5123  # unsigned
_VERTICES, _INDICES = 34962, 34963  # what a buffer view is for
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_PLAIN = (0.20, 0.29, 0.41, 1.0)  # linear; the cloth of a mesh whose vertices have no colours
_ROUGHNESS = 0.75  # of cloth and skin


_LEVELS = np.arange(256) / 255
_LINEAR = np.rint(255 * np.where(_LEVELS > 0.04045, ((_LEVELS + 0.055) / 1.055) ** 2.4, _LEVELS / 12.92)).astype(
    np.uint8
)


class GltfWriter:
    """Collects arrays, then writes them with what says how they hang together."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._views: list[dict[str, int]] = []
        self._accessors: list[dict[str, object]] = []
        self._animations: list[dict[str, object]] = []

    def points(self, values: np.ndarray) -> int:
        """Add (V, 3) vertices, normals or offsets of them; returns their index."""
        return self._add(values.astype("<f4"), _FLOAT, 3, _VERTICES)

    def colors(self, values: np.ndarray) -> int:
        """Add (V, 3) colours of vertices, uint8 sRGB, as glTF wants them: linear, with opacity; returns their index."""
        opaque = np.full((len(values), 4), 255, np.uint8)
        opaque[:, :3] = _LINEAR[values]
        return self._add(opaque, _BYTE, 4, _VERTICES, normalized=True)

    def indices(self, faces: np.ndarray) -> int:
        """Add (F, 3) faces; returns their index."""
        short = faces.max(initial=0) < 2**16 - 1  # the last number means a restart
        return self._add(faces.astype("<u2" if short else "<u4").ravel(), _SHORT if short else _UNSIGNED, 1, _INDICES)

    def bones(self, values: np.ndarray) -> int:
        """Add (V, 4) joints below 256 that move vertices; returns their index."""
        return self._add(values.astype("u1"), _BYTE, 4, _VERTICES)

    def weights(self, values: np.ndarray) -> int:
        """Add (V, 4) by how much these joints do, rows that sum to 1; returns their index."""
        return self._add(values.astype("<f4"), _FLOAT, 4, _VERTICES)

    def matrices(self, values: np.ndarray) -> int:
        """Add (J, 4, 4) transforms of column vectors; returns their index."""
        columns = np.swapaxes(values, 1, 2).reshape(-1, 16)  # glTF writes columns first
        return self._add(columns.astype("<f4"), _FLOAT, 16)

    def animate(
        self,
        times: np.ndarray,
        paths: Mapping[tuple[int, str], np.ndarray],
        root: int,
        away: Sequence[tuple[float, float]] = (),
    ) -> None:
        """Let nodes move.

        Args:
            times: (N,) seconds.
            paths: by node and "translation" (N, 3), "rotation" (N, 4) or "weights" (N, K): what is so at these times.
            root: the node on which all that is seen hangs; its scale is 0 while nobody is there: glTF hides nothing.
            away: from when to when that is, seconds; there is something to be seen at both ends.
        """
        at = self._add(times.astype("<f4"), _FLOAT, 1)
        samplers: list[dict[str, object]] = []
        channels: list[dict[str, object]] = []
        for (node, path), values in paths.items():
            width = 1 if path == "weights" else values.shape[1]
            flat = values.astype("<f4").reshape(-1, width) if width > 1 else values.astype("<f4").ravel()
            samplers.append({"input": at, "interpolation": "LINEAR", "output": self._add(flat, _FLOAT, width)})
            channels.append({"sampler": len(channels), "target": {"node": node, "path": path}})
        if away:
            keys = np.array(
                [times[0], *(each for last, back in away for each in (last + TIME_ROUNDING, back - TIME_ROUNDING))]
            )
            sizes = np.repeat((np.arange(len(keys)) % 2 == 0).astype("<f4")[:, None], 3, axis=1)
            shown = {"input": self._add(keys.astype("<f4"), _FLOAT, 1), "output": self._add(sizes, _FLOAT, 3)}
            samplers.append({"interpolation": "STEP", **shown})
            channels.append({"sampler": len(channels), "target": {"node": root, "path": "scale"}})
        self._animations = [{"name": "motion", "samplers": samplers, "channels": channels}]

    def finish(
        self, nodes: Sequence[Mapping[str, Any]], *meshes: Mapping[str, Any], skin: Mapping[str, Any] | None = None
    ) -> bytes:
        """The file.

        Args:
            nodes: They name the meshes by their numbers, and `skin` 0 if there is one.
            meshes: At least one; all have `material` 0.
            skin: The joints of a mesh.
        """
        coloured = all("COLOR_0" in primitive["attributes"] for mesh in meshes for primitive in mesh["primitives"])
        children = {child for node in nodes for child in node.get("children", ())}
        content = {
            "asset": {"version": "2.0", "generator": "mpt"},
            "scene": 0,
            "scenes": [{"nodes": [node for node in range(len(nodes)) if node not in children]}],
            "nodes": nodes,
            "meshes": meshes,
            **({"skins": [skin]} if skin else {}),
            "materials": [
                {
                    "name": "body",
                    "doubleSided": False,
                    "pbrMetallicRoughness": {
                        "baseColorFactor": (1.0, 1.0, 1.0, 1.0) if coloured else _PLAIN,
                        "metallicFactor": 0.0,
                        "roughnessFactor": _ROUGHNESS,
                    },
                }
            ],
            **({"animations": self._animations} if self._animations else {}),
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._data)}],
        }
        text = json.dumps(content, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self._data)
        head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
        return head + text + struct.pack("<I4s", len(self._data), b"BIN\0") + bytes(self._data)

    def _add(
        self, values: np.ndarray, component: int, width: int, target: int | None = None, normalized: bool = False
    ) -> int:
        view = {"buffer": 0, "byteOffset": len(self._data), "byteLength": values.nbytes}
        self._views.append(view | ({"target": target} if target else {}))
        self._data += values.tobytes()
        self._data += bytes(-len(self._data) % 4)  # what comes next must be aligned
        rows = values.reshape(-1, width)
        self._accessors.append(
            {
                "bufferView": len(self._views) - 1,
                "componentType": component,
                "count": len(rows),
                "type": _TYPES[width],
                "min": rows.min(axis=0).tolist(),
                "max": rows.max(axis=0).tolist(),
                **({"normalized": True} if normalized else {}),
            }
        )
        return len(self._accessors) - 1
