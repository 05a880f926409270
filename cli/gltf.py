"""Writes a binary glTF 2.0 file with one animated mesh: trimesh, which writes the others, knows no animations."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

import numpy as np

_FLOAT, _UNSIGNED = 5126, 5125
_VERTICES, _INDICES = 34962, 34963  # what a buffer view is for
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}
_COLOUR = (0.60, 0.67, 0.76, 1.0)  # linear; the same light slate blue as of still meshes


class GltfWriter:
    """Collects arrays, then writes them with what says how they hang together."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._views: list[dict[str, int]] = []
        self._accessors: list[dict[str, object]] = []

    def points(self, values: np.ndarray) -> int:
        """Add (V, 3) vertices, normals or offsets of them; returns their index."""
        return self._add(values.astype("<f4"), _FLOAT, 3, _VERTICES)

    def indices(self, faces: np.ndarray) -> int:
        """Add (F, 3) faces; returns their index."""
        return self._add(faces.astype("<u4").ravel(), _UNSIGNED, 1, _INDICES)

    def finish(
        self, node: dict[str, object], mesh: dict[str, object], times: np.ndarray, paths: Mapping[str, np.ndarray]
    ) -> bytes:
        """The file, with a node that moves.

        Args:
            node: Has `mesh` 0.
            mesh: Has `material` 0.
            times: (N,) seconds.
            paths: "translation" (N, 3), "rotation" (N, 4), "weights" (N, K): the node's at these times.
        """
        at = self._add(times.astype("<f4"), _FLOAT, 1)
        samplers: list[dict[str, object]] = []
        channels: list[dict[str, object]] = []
        for path, values in paths.items():
            width = 1 if path == "weights" else values.shape[1]
            flat = values.astype("<f4").reshape(-1, width) if width > 1 else values.astype("<f4").ravel()
            samplers.append({"input": at, "interpolation": "LINEAR", "output": self._add(flat, _FLOAT, width)})
            channels.append({"sampler": len(channels), "target": {"node": 0, "path": path}})
        content = {
            "asset": {"version": "2.0", "generator": "mpt"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [node],
            "meshes": [mesh],
            "materials": [
                {
                    "name": "body",
                    "pbrMetallicRoughness": {
                        "baseColorFactor": _COLOUR,
                        "metallicFactor": 0.0,
                        "roughnessFactor": 0.65,
                    },
                }
            ],
            "animations": [{"name": "motion", "samplers": samplers, "channels": channels}],
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._data)}],
        }
        text = json.dumps(content, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self._data)
        head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
        return head + text + struct.pack("<I4s", len(self._data), b"BIN\0") + bytes(self._data)

    def _add(self, values: np.ndarray, component: int, width: int, target: int | None = None) -> int:
        view = {"buffer": 0, "byteOffset": len(self._data), "byteLength": values.nbytes}
        self._views.append(view | ({"target": target} if target else {}))
        self._data += values.tobytes()  # all of 4 bytes: aligned
        rows = values.reshape(-1, width)
        self._accessors.append(
            {
                "bufferView": len(self._views) - 1,
                "componentType": component,
                "count": len(rows),
                "type": _TYPES[width],
                "min": rows.min(axis=0).tolist(),
                "max": rows.max(axis=0).tolist(),
            }
        )
        return len(self._accessors) - 1
