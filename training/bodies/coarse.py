"""The mesh topology of a body model: its coarse vertices, and the upsampling fitted on posed bodies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from model.errors import BadCheckpoint, BadData, BadInput, in_short
from model.files import atomic_write
from model.network.topology import MeshTopology
from training.bodies.protocol import BodyModel
from training.rotations import axis_angle_to_matrix

NEIGHBOURS = 16
_SAME_BODY = 0.05  # metres, in the mean: people of one mesh differ by less, vertices in another order by far more


@dataclass(frozen=True)
class UpsamplingError:
    """Distance in millimetres between posed bodies' vertices and the same made from coarse vertices."""

    mean: float
    p99: float
    max: float

    def __str__(self) -> str:
        return f"upsampling error: mean {self.mean:.2f} mm, p99 {self.p99:.1f} mm, max {self.max:.0f} mm"


def coarse_vertices(template: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    """Picks `count` of the body's vertices, spread over its largest piece as mesh simplification spreads them.

    Args:
        template: (V, 3); faces: (F, 3).

    Returns:
        (count,) int64 indices, ascending.

    Raises:
        BadData: the largest piece has fewer vertices.
    """
    import fast_simplification
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    edges = coo_matrix(
        (np.ones(len(faces) * 2), (faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel())), [len(template)] * 2
    )
    piece = connected_components(edges, directed=False)[1]
    body = np.flatnonzero(piece == np.bincount(piece).argmax())
    if len(body) < count:
        raise BadData(
            f"The largest connected piece of the body's mesh has {len(body)} vertices, but {count} must be chosen of "
            "it: are the faces those of these vertices?"
        )
    renumber = np.full(len(template), -1)
    renumber[body] = np.arange(len(body))
    body_faces = renumber[faces[(renumber[faces] >= 0).all(axis=1)]]
    # Simplification counts triangles; a closed surface has about two a vertex, and snapping may merge a few.
    for triangles in range(2 * count - 4, 4 * count):
        points, _ = fast_simplification.simplify(
            template[body].astype(np.float32), body_faces.astype(np.int32), target_count=triangles
        )
        snapped = np.unique(cKDTree(template[body]).query(points)[1])
        if len(snapped) >= count:
            break
    # A few too many: drop those with the closest neighbours.
    while len(snapped) > count:
        distance = cKDTree(template[body][snapped]).query(template[body][snapped], k=2)[0][:, 1]
        snapped = np.delete(snapped, distance.argmin())
    return np.sort(body[snapped]).astype(np.int64)


def posed_samples(body: BodyModel, poses: Tensor, count: int, seed: int = 0, batch: int = 64) -> Tensor:
    """Random bodies in poses drawn from (N, J, 3) axis-angle: (count, V, 3) metres, world frame, float32."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for start in tqdm(range(0, count, batch), desc="posing bodies", leave=False):
        size = min(batch, count - start)
        pick = torch.randint(len(poses), (size,), generator=generator)
        made.append(body.pose(axis_angle_to_matrix(poses[pick]), body.sample_shapes(size, generator)))
    return torch.cat(made)


def fit_upsampling(posed: Tensor, coarse: Tensor, neighbours: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
    """Fits each vertex as a combination of coarse vertices near it, by least squares over posed bodies.

    A vertex is near those coarse vertices that stay close to it in every pose (root mean square distance); with the
    resting pose's neighbours a thigh would hang on a hand.

    Args:
        posed: (P, V, 3); coarse: (C,) indices.

    Returns:
        neighbours (V, N) int64 and weights (V, N); rows of weights sum to 1, a coarse vertex is itself.
    """
    points = posed.transpose(0, 1).flatten(1).double()  # (V, P * 3)
    anchors = points[coarse]  # (C, P * 3)
    cross = points @ anchors.T  # (V, C)
    gram = cross[coarse]  # (C, C)
    square = points.square().sum(1)[:, None] - 2 * cross + gram.diagonal()  # (V, C) summed square distances
    near = square.topk(neighbours, dim=1, largest=False).indices  # (V, N)

    # Minimise |sum_n w_n a_n - v|^2 with sum w = 1: one small Karush-Kuhn-Tucker system a vertex. The slight pull to
    # small weights keeps neighbours that say the same from cancelling one another.
    v, n = near.shape
    system = torch.zeros(v, n + 1, n + 1, dtype=torch.double)
    system[:, :n, :n] = gram[near[:, :, None], near[:, None, :]]
    system[:, :n, :n] += 1e-6 * gram.diagonal().mean() * torch.eye(n)
    system[:, n, :n] = system[:, :n, n] = 1
    right = torch.ones(v, n + 1, dtype=torch.double)
    right[:, :n] = cross.gather(1, near)
    weights = torch.linalg.solve(system, right)[:, :n]
    weights[coarse] = (near[coarse] == torch.arange(len(coarse))[:, None]).double()
    return near, weights.float()


def resting(body: BodyModel) -> Tensor:
    """The mean body at rest, upright: (V, 3) metres, world frame."""
    still = torch.zeros(1, body.joint_count, 3)
    still[0, 0, 0] = torch.pi / 2  # its y up to the world's z up
    return body.pose(axis_angle_to_matrix(still), body.mean_shape()[None])[0]


def build_topology(
    body: BodyModel, poses: Tensor, fit_bodies: int = 600, test_bodies: int = 100
) -> tuple[MeshTopology, UpsamplingError]:
    """Makes the body's topology; the error is measured on bodies and poses that the fit did not see.

    Args:
        poses: (N, J, 3) axis-angle poses to fit on.
    """
    subject = body.subject
    rest = resting(body)
    coarse = torch.from_numpy(coarse_vertices(rest.numpy(), body.faces, subject.coarse_vertices))
    posed = posed_samples(body, poses, fit_bodies + test_bodies)
    near, weights = fit_upsampling(posed[:fit_bodies], coarse)

    # World (z up, the body faces -y) to the frame of a camera in front of it: x right is the body's left.
    template = rest[:, [0, 2, 1]] * torch.tensor([1.0, -1.0, 1.0])
    regressor = torch.from_numpy(body.joint_regressor)
    topology = MeshTopology(
        name=body.name,
        joint_names=subject.joint_names,
        root_joints=subject.root_joints,
        faces=torch.from_numpy(body.faces).long(),
        template=template - (regressor @ template)[list(subject.root_joints)].mean(dim=0),
        joint_regressor=regressor,
        coarse=coarse,
        neighbours=near,
        weights=weights,
        landmarks=torch.tensor(body.landmarks, dtype=torch.long),
    )
    test = posed[fit_bodies:]
    distance = (topology.upsample(test[:, coarse]) - test).norm(dim=-1).flatten().numpy() * 1000
    error = UpsamplingError(float(distance.mean()), float(np.quantile(distance, 0.99)), float(distance.max()))
    return topology, error


def save_topology(path: Path, topology: MeshTopology) -> None:
    """Writes a topology for `load_topology`; a reader never sees half a file."""
    with atomic_write(path) as partial:
        save_file(topology.state(), partial)


def is_of(topology: MeshTopology, body: BodyModel) -> bool:
    """Whether a topology is of a body's mesh: its vertices, in its order."""
    if topology.vertex_count != body.vertex_count:
        return False
    # Not the faces: where a square is cut in two triangles, two machines may choose different diagonals.
    own = resting(body)[:, [0, 2, 1]] * torch.tensor([1.0, -1.0, 1.0])  # to the axes of a camera in front of it
    own = own - topology.root((topology.joint_regressor @ own)[None])[0]
    return bool((own - topology.template).norm(dim=-1).mean() < _SAME_BODY * topology.unit)


def check_is_of(topology: MeshTopology, body: BodyModel, place: Path) -> None:
    """Sees to it that samples of a body can teach a network of a topology.

    Raises:
        BadInput: they cannot; the message names `place`, whose topology it is.
    """
    if not is_of(topology, body):
        raise BadInput(
            f"{place} is of a mesh of {topology.vertex_count:,} vertices, which the body '{body.name}' that is posed "
            f"({body.vertex_count:,} vertices) does not have: choose another folder or checkpoint, or its body."
        )


def load_topology(path: Path, body: BodyModel, poses: Tensor) -> MeshTopology:
    """The topology kept at `path`, made there at the first call: a resumed run goes on with its own.

    Raises:
        BadInput: what is kept there is of another body's mesh.
        BadCheckpoint: it cannot be read.
    """
    if not path.exists():
        topology, error = build_topology(body, poses)
        print(f"{topology.coarse_count} coarse vertices; {error}")
        save_topology(path, topology)
    subject = body.subject
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise BadCheckpoint(f"{path} cannot be read ({in_short(error)}): choose another output folder.") from None
    topology = MeshTopology.from_state(body.name, subject.joint_names, subject.root_joints, state)
    check_is_of(topology, body, path)
    return topology
