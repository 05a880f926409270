"""A data set that anyone has: posed bodies, dressed at random, before random scenes, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.body.normals import vertex_normals
from model.network.placement import ray_rotation
from model.network.topology import MeshTopology
from model.rendering.projection import extent, project
from model.rendering.rasterizer import interpolate, is_closed, rasterise
from training.bodies.protocol import BodyModel
from training.images.rendered.appearance import Surface, colours, draw_appearance, regions
from training.images.rendered.config import RenderConfig
from training.images.rendered.framing import Framing
from training.images.rendered.lighting import darken_ground, draw_lamp
from training.images.rendered.scenery import background, find_photos, occluder, photograph
from training.images.sample import ImageSample, look_at_root
from training.rotations import axis_angle_to_matrix, mirror_pose
from training.synthesis.virtual_cameras import sample_cameras

_SAMPLES = 2  # drawn pixels on a side of each of the picture's


class RenderedPeople(Dataset[ImageSample]):
    """Pictures of people, made when asked for. Sample i of a seed is always the same, whatever was asked before.

    For `torch.utils.data.DataLoader`, with `collate` of `training.images.sample`.
    """

    def __init__(
        self,
        body: BodyModel,
        topology: MeshTopology,
        poses: Tensor,
        config: RenderConfig | None = None,
        seed: int = 0,
        length: int | None = None,
    ):
        """Gathers what samples are made of.

        Args:
            body: the full body model, on the CPU.
            topology: of this body.
            poses: (N, 22, 3) axis-angle; each sample draws one.
            seed: not negative; another one makes other people.
            length: how many samples it has; None for as many as poses.

        Raises:
            BadData: the folder of photos holds none.
        """
        self.body, self.topology, self.poses, self.seed = body, topology, poses, seed
        self.config = config or RenderConfig()
        self.length = len(poses) if length is None else length
        self.faces = body.faces.astype(np.int64)
        self.closed = is_closed(self.faces)
        self.surface = Surface(topology)
        regressor = topology.joint_regressor.numpy()
        self.held = np.flatnonzero((regressor != 0).any(axis=0))  # the vertices that joints hang on
        self.regressor = regressor[:, self.held].astype(np.float64)
        self.photos = find_photos(self.config.photos) if self.config.photos else []

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> ImageSample:
        if not 0 <= index < self.length:
            raise IndexError(f"There are {self.length} samples, so {index} is none of them.")
        rng = np.random.default_rng([self.seed, index])
        scene = self.stage(rng)
        picture, visible = self.draw(rng, scene)
        joints = scene.joints[0]
        joints_2d = scene.project(joints)
        origin = joints[list(self.topology.root_joints)].mean(axis=0)
        # The camera of the picture looks at the crop's middle, that of the truth at the root.
        turn = look_at_root(torch.from_numpy(origin)).numpy()
        centred = torch.from_numpy((scene.vertices[0] - origin) @ turn)
        return ImageSample(
            name=f"rendered/{self.seed}/{index}",
            image=torch.from_numpy(picture).permute(2, 0, 1).contiguous(),
            vertices=centred[self.topology.coarse],
            full_vertices=centred if self.config.full_vertices else None,
            joints=torch.from_numpy((joints - origin) @ turn),
            joints_2d=torch.from_numpy(joints_2d),
            joints_visible=torch.from_numpy(visible),
            camera=torch.tensor([scene.focal_length, *scene.principal_point]),
            translation=torch.from_numpy(origin),
            up=torch.from_numpy(scene.up @ turn),
        )

    def stage(self, rng: np.random.Generator) -> StagedScene:
        """Puts people before a camera that looks at the middle of the first one's crop."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        count = 2 if rng.random() < self.config.company else 1
        poses = self.poses[torch.from_numpy(rng.integers(len(self.poses), size=count))]
        poses = torch.where(torch.from_numpy(rng.random((count, 1, 1)) < 0.5), mirror_pose(poses), poses)
        shapes = self.body.sample_shapes(count, generator)
        # One body at a time: sums in batches of another size differ in their last bits.
        bodies = zip(axis_angle_to_matrix(poses), shapes)
        world = torch.cat([self.body.pose(rotation[None], shape[None]) for rotation, shape in bodies])  # (P, V, 3)
        joints = self._joints(world)
        camera = sample_cameras(1, generator, self.config.views)
        turn = camera.rotation[0]

        place = -self.topology.root(joints)  # (P, 1, 3)
        floor = world[..., 2].amin(dim=1)
        place[:, 0, 2] = place[0, 0, 2] + floor[0] - floor
        if count > 1:  # the other one stands beside the first or behind, never much in front
            angle, away = rng.uniform(-0.1, np.pi + 0.1), rng.uniform(0.5, 1.8)
            beside = turn.T @ torch.tensor([away * np.cos(angle), 0.0, away * np.sin(angle)], dtype=torch.float32)
            place[1, 0, :2] += beside[:2]
        ahead = torch.tensor([0.0, 0.0, 1.0]) * camera.distance
        vertices, joints = (world + place) @ turn.T + ahead, (joints + place) @ turn.T + ahead

        # The camera turns to the middle of the crop, which changes the picture a little: frame it again.
        framing = Framing.draw(rng)
        middle = framing.frame(vertices[0].numpy(), self.config)[1][:2]
        gaze = ray_rotation(torch.from_numpy(middle.astype(np.float32))[None], torch.ones(1, 1))[0]
        vertices, joints, up = vertices @ gaze, joints @ gaze, turn[:, 2] @ gaze
        edges, (x, y, side) = framing.frame(vertices[0].numpy(), self.config)
        size = self.config.size
        focal = float(size / side)
        point = float(size / 2 - focal * x), float(size / 2 - focal * y)
        return StagedScene(
            vertices.numpy(), joints.numpy(), up.numpy(), focal, point, focal * edges + np.array(point * 2)
        )

    def _joints(self, world: Tensor) -> Tensor:
        """(P, K, 3) joints of meshes (P, V, 3). A long sum in torch differs in its last bits with the threads."""
        return torch.from_numpy(np.einsum("kv,pvd->pkd", self.regressor, world[:, self.held].numpy())).float()

    def draw(
        self, rng: np.random.Generator, scene: StagedScene, behind: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The picture (S, S, 3) uint8 and which joints of the first person it shows (K,).

        Args:
            rng: draws what all looks like.
            scene: the people.
            behind: (S, S, 3) float32 what is behind them, which is drawn over; None for a photo, or what is made up.
        """
        size = self.config.size
        people = self._draw_people(rng, scene)
        picture = background(rng, size, self.photos) if behind is None else behind
        for vertices in scene.vertices:
            height = vertices @ scene.up
            feet = vertices[height < height.min() + 0.06]
            reach = 0.2 * scene.focal_length / max(float(feet[:, 2].mean()), 0.1)
            darken_ground(picture, scene.project(feet), reach)
        around = picture[people.top : people.top + len(people.layer), people.left : people.left + people.layer.shape[1]]
        around *= 1 - people.layer[..., 3:]
        around += people.layer[..., :3]
        hidden = np.zeros((size, size), np.float32)
        if rng.random() < self.config.occluded:
            colour, hidden = occluder(rng, size)
            picture += hidden[..., None] * (colour - picture)
        result = photograph(rng, picture)

        left, top, right, bottom = np.rint(np.clip(scene.edges, 0, size)).astype(int)
        inside = np.zeros((size, size), bool)
        inside[top:bottom, left:right] = True
        result[~inside] = 0
        return result, self._shown(scene.project(scene.joints[0]), people, inside & (hidden < 0.5))

    def _draw_people(self, rng: np.random.Generator, scene: StagedScene) -> _People:
        """Dresses and lights the people and draws them without what is behind."""
        size, surface = self.config.size, self.surface
        lamp = draw_lamp(rng, scene.up)
        appearances = [draw_appearance(rng) for _ in scene.vertices]
        meshes, values = [], []
        for appearance, vertices in zip(appearances, scene.vertices):
            normals = vertex_normals(vertices, self.faces)
            thickness = np.array(appearance.thickness, np.float32)[regions(appearance, surface, surface.rest)]
            meshes.append(vertices + thickness[:, None] * normals)
            values.append(np.concatenate([surface.rest, lamp.shine(meshes[-1], self.faces, normals)], axis=1))
        mesh = np.concatenate(meshes)
        faces = np.concatenate([self.faces + k * len(surface.rest) for k in range(len(meshes))])
        triangles = project(mesh, faces, scene.focal_length, scene.principal_point)
        left, top, right, bottom = extent(triangles, (size, size))
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        fine = (right - left) * _SAMPLES, (bottom - top) * _SAMPLES
        point = (scene.principal_point[0] - left) * _SAMPLES, (scene.principal_point[1] - top) * _SAMPLES
        raster = rasterise(mesh, faces, scene.focal_length * _SAMPLES, point, fine, cull=self.closed)
        pixel = np.flatnonzero(raster.face >= 0)
        seen = interpolate(raster, faces, np.concatenate(values))  # (P, 6) resting place, light
        owner = raster.face.ravel()[pixel] // len(self.faces)

        layer = np.zeros((fine[0] * fine[1], 4), np.float32)
        first = np.full((fine[0] * fine[1], 3), np.inf, np.float32)
        layer[pixel, 3] = 1
        for k, appearance in enumerate(appearances):
            mine = np.flatnonzero(owner == k)
            place, light = seen[mine, :3], seen[mine, 3:]
            layer[pixel[mine], :3] = colours(appearance, surface, place, regions(appearance, surface, place)) * light
            if k == 0:
                first[pixel[mine]] = place
        coarse = (right - left, bottom - top)
        smooth = cv2.resize(layer.reshape(fine[1], fine[0], 4), coarse, interpolation=cv2.INTER_AREA)
        return _People(left, top, smooth, first.reshape(fine[1], fine[0], 3))

    def _shown(self, joints_2d: np.ndarray, people: _People, free: np.ndarray) -> np.ndarray:
        """(K,) whether the surface seen at each joint (K, 2) is that joint's own, by its place on the resting body.

        Args:
            free: (S, S) the pixels that show the scene.
        """
        size, place = len(free), people.place
        at = np.floor(joints_2d).astype(int)  # (K, 2)
        in_crop = ((at >= 0) & (at < size)).all(axis=1)
        column, row = np.clip(at, 0, size - 1).T
        # A pixel around the joint, since a thin limb's joint may lie just beside it.
        around = np.arange(-_SAMPLES, 2 * _SAMPLES)
        rows = np.clip((row - people.top)[:, None] * _SAMPLES + around, 0, place.shape[0] - 1)[:, :, None]
        columns = np.clip((column - people.left)[:, None] * _SAMPLES + around, 0, place.shape[1] - 1)[:, None, :]
        distance = np.linalg.norm(place[rows, columns] - self.surface.joints[:, None, None], axis=-1)
        return in_crop & free[row, column] & (distance.min(axis=(1, 2)) < self.surface.reach)


@dataclass(frozen=True)
class _People:
    """The drawn people, in the part of the crop that they take."""

    left: int
    top: int
    layer: np.ndarray
    """(h, w, 4) float32 colour times coverage, and coverage."""
    place: np.ndarray
    """(h * samples, w * samples, 3) where on the resting body the first person is seen; infinite elsewhere."""


@dataclass(frozen=True)
class StagedScene:
    """People before a camera, and the part of its picture that is the crop."""

    vertices: np.ndarray
    """(P, V, 3) camera frame, placed; the first person is the subject."""
    joints: np.ndarray
    """(P, K, 3) likewise."""
    up: np.ndarray
    """(3,) away from the ground."""
    focal_length: float
    """Pixels of the crop."""
    principal_point: tuple[float, float]
    edges: np.ndarray
    """(4,) left, top, right, bottom of the photo in pixels of the crop; infinite where they are far."""

    def project(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) to pixels of the crop (N, 2)."""
        plane = points[:, :2] / np.maximum(points[:, 2:], 0.1)
        return (self.focal_length * plane + np.array(self.principal_point)).astype(np.float32)
