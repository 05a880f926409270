"""A GLB reader of the tests' own, by the glTF 2.0 specification: what players show."""

from __future__ import annotations

import json
import struct
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

_NUMBERS = {5126: "<f4", 5125: "<u4", 5123: "<u2", 5121: "u1"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """One mesh, which may move and may have a skeleton."""

    def __init__(self, data: bytes) -> None:
        magic, version, total, length, kind = struct.unpack_from("<4sIII4s", data)
        assert (magic, version, total, kind) == (b"glTF", 2, len(data), b"JSON")
        self.content = json.loads(data[20 : 20 + length])
        size, kind = struct.unpack_from("<I4s", data, 20 + length)
        assert kind == b"BIN\0" and size == self.content["buffers"][0]["byteLength"] == total - length - 28
        self.data = data[28 + length :]
        self._arrays: dict[int, np.ndarray] = {}

    def array(self, index: int) -> np.ndarray:
        """The numbers of an accessor, (N, width), checked once."""
        if index not in self._arrays:
            self._arrays[index] = self._read(index)
        return self._arrays[index]

    def _read(self, index: int) -> np.ndarray:
        accessor = self.content["accessors"][index]
        view = self.content["bufferViews"][accessor["bufferView"]]
        width = _WIDTHS[accessor["type"]]
        number = np.dtype(_NUMBERS[accessor["componentType"]])
        count = accessor["count"] * width
        assert view["byteOffset"] % 4 == 0 and view["byteLength"] == count * number.itemsize
        values = np.frombuffer(self.data, number, count, view["byteOffset"]).reshape(-1, width)
        np.testing.assert_allclose(values.min(axis=0), accessor["min"])
        np.testing.assert_allclose(values.max(axis=0), accessor["max"])
        return values

    def attribute(self, name: str) -> np.ndarray:
        """(V, width), as bound."""
        (primitive,) = self.content["meshes"][0]["primitives"]
        return self.array(primitive["attributes"][name])

    def channels(self, node: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of a node: path -> times (N,) and values (N, width)."""
        return self._moves.get(node, {})

    @cached_property
    def _moves(self) -> dict[int, dict[str, tuple[np.ndarray, np.ndarray]]]:
        (animation,) = self.content["animations"]
        moves: dict[int, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
        for channel in animation["channels"]:
            sampler, target = animation["samplers"][channel["sampler"]], channel["target"]
            assert sampler["interpolation"] == ("STEP" if target["path"] == "scale" else "LINEAR")
            times = self.array(sampler["input"])[:, 0]
            moves.setdefault(target["node"], {})[target["path"]] = (
                times,
                self.array(sampler["output"]).reshape(len(times), -1),
            )
        return moves

    def size(self, seconds: float, node: int) -> float:
        """Of a node at a time: 0 where it is hidden."""
        times, values = self.channels(node)["scale"]
        at = np.searchsorted(times, np.float32(seconds), side="right") - 1
        assert np.ptp(values[max(at, 0)]) == 0
        return float(values[max(at, 0), 0])

    def frame(self, index: int, attribute: str) -> np.ndarray:
        """Of a mesh with morph targets: positions, or normals of length one, as a player shows them at a key."""
        (primitive,) = self.content["meshes"][0]["primitives"]
        paths = {path: values[index] for path, (_, values) in self.channels().items()}
        values = self.attribute(attribute).astype(float)
        for weight, target in zip(paths.get("weights", ()), primitive.get("targets", ())):
            values = values + weight * self.array(target[attribute])
        values = values @ Rotation.from_quat(paths["rotation"]).as_matrix().T
        if attribute == "NORMAL":
            return values / np.linalg.norm(values, axis=1, keepdims=True)
        return values + paths["translation"]

    def joints(self, key: int | None = None) -> dict[str, np.ndarray]:
        """Of a mesh with a skeleton: each joint's transform (4, 4) by its name, at a key or as the nodes have it."""
        (skin,) = self.content["skins"]
        found: dict[str, np.ndarray] = {}

        def visit(index: int, above: np.ndarray) -> None:
            node = self.content["nodes"][index]
            own = {path: values[key] for path, (_, values) in (self.channels(index) if key is not None else {}).items()}
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_quat(own.get("rotation", node["rotation"])).as_matrix()
            matrix[:3, 3] = own.get("translation", node["translation"])
            found[node["name"]] = above @ matrix
            for child in node.get("children", ()):
                visit(child, found[node["name"]])

        visit(skin["skeleton"], np.eye(4))
        assert list(found) != [] and len(found) == len(skin["joints"])
        return found

    def skinned(self, key: int | None = None) -> np.ndarray:
        """(V, 3) of a mesh with a skeleton: sum over joints of weight * joint * inverse bind matrix * vertex."""
        (skin,) = self.content["skins"]
        world = self.joints(key)
        bind = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        moves = np.stack([world[self.content["nodes"][node]["name"]] for node in skin["joints"]]) @ bind
        points = np.column_stack([self.attribute("POSITION"), np.ones(len(self.attribute("POSITION")))])
        bones, weights = self.attribute("JOINTS_0"), self.attribute("WEIGHTS_0")
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
        return np.einsum("vi,viab,vb->va", weights, moves[bones], points)[:, :3]
