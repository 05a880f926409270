"""Makes the figures of the documentation: `python docs/figures.py`. All people in them are rendered ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

import weights
from model import Reconstructor
from model.body.skeleton import joint_positions, to_global
from model.explain import Insight, explain_person, heatmap_sheet, influence_sheet
from model.joints import JOINTS, SMPL_PARENTS
from model.network.checkpoint import load_checkpoint
from model.network.heatmaps import CROP_SIZE
from model.perception.crops import cut_crop, square_crop
from model.rendering.contact_sheet import sheet
from model.rendering.overlay import overlay, side_view
from model.rendering.shading import Figure
from model.results import Person
from training.bodies.anny import AnnyBody
from training.evaluation.heldout_views import Views, clean, noisy, posed_views, three_hidden
from training.mocap.sample import read_sample

FIGURES = Path(__file__).parent / "figures"
PHOTO = Path(__file__).parents[1] / "service" / "static" / "sample.jpg"
GROUND = (245, 245, 245)
TRUE, PREDICTED = (0, 158, 115), (230, 159, 0)
MOTIONS = {"DeepMimic/kick": 0.4, "DeepMimic/dance": 0.35, "DeepMimic/walk": 0.3, "DeepMimic/run": 0.6}
"""Which clips of the built-in sample stand for pre-training, and how far into each."""


def main() -> None:
    """Writes all figures."""
    reconstructor = Reconstructor.load(device="cpu")
    photo = cv2.cvtColor(cv2.imread(str(PHOTO)), cv2.COLOR_BGR2RGB)
    found = reconstructor.reconstruct(photo)
    person = found.people[1]
    row = [("a photo", photo), ("its people", found.overlay()), ("from the side", found.side_view())]
    save("people", sheet([(text, shrunk(picture, 440)) for text, picture in row], columns=3))

    names = reconstructor.network.info.joint_names
    insight = explain_person(reconstructor, photo, person)
    save("run-time", run_time(insight))
    save("heatmaps", heatmap_sheet(insight.picture, insight.heatmaps, names))
    save("influence", influence_sheet(insight, reconstructor.faces, names))
    save("pre-training", pre_training())
    save("skeleton", skeleton(reconstructor, photo, person))
    save("hands", hands(photo))


def run_time(insight: Insight) -> np.ndarray:
    """One person's way through the network."""
    person, camera = insight.person, insight.person.camera
    crop = cv2.resize(insight.picture, (CROP_SIZE, CROP_SIZE))
    scale = CROP_SIZE / insight.crop.side
    axes = insight.crop.axes  # it may be turned
    middle = scale * axes @ np.subtract(camera.principal_point, insight.crop.centre) + CROP_SIZE / 2
    mesh = Figure(camera.to_camera(person.vertices), person.faces, person.colors)
    x, y, z = mesh.vertices.T
    turned = mesh._replace(vertices=np.stack([*(axes @ [x, y]), z], axis=1))
    return sheet(
        [
            ("1  the person's crop", crop),
            ("2  heatmaps, 17 in one", heat(insight.heatmaps)),
            ("3  body and camera", overlay(crop, [turned], camera.focal_length * scale, (middle[0], middle[1]))),
            ("the same from the side", side_view([mesh], (CROP_SIZE, CROP_SIZE), GROUND)),
        ],
        columns=4,
    )


def pre_training() -> np.ndarray:
    """What pre-training is made of, a row a pose: the truth, three kinds of heatmaps, and what is answered."""
    body, poses = AnnyBody.load(), read_sample()
    chosen = []
    for subject, share in MOTIONS.items():
        frames = [index for index, name in enumerate(poses.subjects) if name == subject]
        chosen.append(frames[int(share * len(frames))])
    rotations = torch.as_tensor(poses.rotations)[chosen]
    views = posed_views(body, rotations, torch.arange(len(chosen)), torch.Generator().manual_seed(4))
    checkpoint = load_checkpoint(weights.path("anny-tiny"))
    with torch.inference_mode():
        answer = checkpoint.model(noisy(views, checkpoint.model.size.heatmap_size))
        vertices = checkpoint.topology.upsample(answer.vertices - checkpoint.topology.root(answer.joints))
    drawn = [kind(views, CROP_SIZE) for kind in (clean, three_hidden, noisy)]
    tiles = []
    for row in range(len(chosen)):
        tiles += [
            ("posed body, virtual camera", before_camera(views, row, views.vertices, body.faces, TRUE)),
            ("heatmaps by Eq. 1", heat(drawn[0][row].numpy())),
            ("three joints masked", heat(drawn[1][row].numpy())),
            ("as a 2D network errs", heat(drawn[2][row].numpy())),
            ("answered from these", before_camera(views, row, vertices, body.faces, PREDICTED)),
        ]
    return sheet(tiles, columns=5)


def skeleton(reconstructor: Reconstructor, photo: np.ndarray, person: Person) -> np.ndarray:
    """The network's mesh of a person, the body that is fitted to it, its joints, and its T-pose."""
    raw = reconstructor.reconstruct(photo, boxes=[person.bbox], mesh="raw").people[0].vertices
    rig, body, faces = reconstructor.rig, person.body, person.faces
    assert rig is not None and body is not None
    rest = rig.rest(body.shape)
    straight = np.tile(np.eye(3), (JOINTS, 1, 1))
    straight[0] = np.diag([1.0, -1.0, -1.0])  # upright before the camera, which has y down
    fitted = rig.pose(body.rotations, body.shape, body.translation)
    ground, focal = np.full((CROP_SIZE, CROP_SIZE, 3), GROUND, np.uint8), 700.0

    def draw(vertices: np.ndarray, rotations: np.ndarray | None = None) -> np.ndarray:
        """With bones inside, where rotations tell where they are."""
        middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        place = np.array([0, 0, 6.0]) - middle
        picture = overlay(ground, [Figure(vertices + place, faces, person.colors)], focal)
        if rotations is None:
            return picture
        picture = cv2.addWeighted(picture, 0.45, ground, 0.55, 0)
        at = joint_positions(rest.joints, to_global(rotations) @ rest.straighten, np.zeros(3))
        at += vertices.mean(axis=0) - rig.skin(rest, to_global(rotations) @ rest.straighten, at).mean(axis=0) + place
        pairs = [(at[parent], at[joint]) for joint, parent in enumerate(SMPL_PARENTS) if parent >= 0]
        bones = [bone(start, end) for start, end in pairs]
        return overlay(picture, [Figure(*each, PREDICTED) for each in bones], focal, opacity=1, smooth=False)

    posed = rig.pose(straight, body.shape, np.zeros(3))
    return sheet(
        [
            ("the network's mesh", draw(raw)),
            ("the body", draw(fitted)),
            ("its joints", draw(fitted, body.rotations)),
            ("all rotations zero", draw(posed, straight)),
        ],
        columns=4,
    )


def hands(photo: np.ndarray) -> np.ndarray:
    """The hands of a photo, and their meshes over them."""
    reconstructor = Reconstructor.load(device="cpu", subject="hand")
    found = reconstructor.reconstruct(photo)
    meshes = found.overlay()
    crops = [square_crop(hand.bbox) for hand in found]
    tiles = [(f"a {hand.handedness} hand", cut_crop(photo, crop, 160)) for hand, crop in zip(found, crops)]
    return sheet([*tiles, *(("its mesh", cut_crop(meshes, crop, 160)) for crop in crops)], columns=len(found))


def bone(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An octahedron's vertices (6, 3) and faces (8, 3), from a joint to the next, as animation programs draw it."""
    along = end - start
    across = np.cross(along, [0.0, 0.0, 1.0] if abs(along[2]) < 0.9 * np.linalg.norm(along) else [0.0, 1.0, 0.0])
    across *= min(0.035, 0.2 * np.linalg.norm(along)) / np.linalg.norm(across)
    other = np.cross(along, across)
    other *= np.linalg.norm(across) / np.linalg.norm(other)
    ring = start + 0.15 * along + np.stack([across, other, -across, -other])
    faces = [[0, 2 + (i + 1) % 4, 2 + i] for i in range(4)] + [[1, 2 + i, 2 + (i + 1) % 4] for i in range(4)]
    return np.concatenate([[start, end], ring]), np.array(faces)


def before_camera(views: Views, row: int, vertices: torch.Tensor, faces: np.ndarray, colour: tuple) -> np.ndarray:
    """A mesh in the crop of its virtual camera."""
    place = np.array([0, 0, float(views.cameras.distance[row])], np.float32)
    x, y, side = views.crop[row].tolist()
    focal = CROP_SIZE / side
    ground = np.full((CROP_SIZE, CROP_SIZE, 3), GROUND, np.uint8)
    middle = CROP_SIZE / 2 - focal * x, CROP_SIZE / 2 - focal * y
    return overlay(ground, [Figure(vertices[row].numpy() + place, faces, colour)], focal, middle, opacity=1)


def heat(heatmaps: np.ndarray) -> np.ndarray:
    """All joints' heatmaps (K, S, S) in one, each in its own hue: (224, 224, 3) uint8 RGB."""
    hues = np.stack([np.arange(len(heatmaps)) * 180 / len(heatmaps), *2 * [np.full(len(heatmaps), 230)]], axis=-1)
    colours = cv2.cvtColor(hues[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0].astype(np.float32)
    grown = np.stack([cv2.resize(heatmap, (CROP_SIZE, CROP_SIZE)) for heatmap in heatmaps.astype(np.float32)])
    return (grown.clip(0, 1)[..., None] * colours[:, None, None]).max(axis=0).round().astype(np.uint8)


def shrunk(picture: np.ndarray, width: int) -> np.ndarray:
    """The picture, this wide."""
    return cv2.resize(picture, (width, round(width * picture.shape[0] / picture.shape[1])), None, 0, 0, cv2.INTER_AREA)


def save(name: str, picture: np.ndarray) -> None:
    """Writes a figure."""
    Image.fromarray(picture).save(FIGURES / f"{name}.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main()
