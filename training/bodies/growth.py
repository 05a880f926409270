"""How anny's body grows: the mean bodies of children's ages, told by a few directions from the mean adult's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from training.bodies.anny import ADULT, AnnyBody
from training.bodies.anny_build import HEADS, load_model

YOUNGEST = 2
"""Years."""
_DIRECTIONS = 3
"""Kept: with them mean bodies of whole years are met within 2 mm in the mean, with two within 5, with one within 11."""
_BODIES = 2048


class Growth(NamedTuple):
    """Children's mean bodies, of whole years."""

    ages: np.ndarray
    """(A, 1 + C) years, and how far the body of that age goes along each direction."""
    directions: np.ndarray
    """(C, V + 24, 3) metres from the mean adult, anny's frame: vertices, then joints."""
    phenotypes: np.ndarray
    """(A, 6) the mean of anny's at these ages."""


def anny_growth(body: AnnyBody) -> Growth:
    """How the body grows up, by the package's own distribution of children (heights and weights of the WHO).

    Raises:
        ImportError: with what to install, when the `train` extra is missing.
    """
    model = load_model("children", rig="anny", topology="anny", skinning_method="lbs")
    from anny.shape_distribution import SimpleShapeDistribution

    bones = [model.bone_labels.index(bone) for bone in HEADS]
    blendshapes = torch.cat([model.blendshapes, model.bone_heads_blendshapes[:, bones]], dim=1).flatten(1)
    template = torch.cat([model.template_vertices, model.template_bone_heads[bones]])
    grown_up = torch.cat([body.template, body.joints])
    years = np.arange(YOUNGEST, ADULT)
    off, phenotypes = [], []
    for year in years.tolist():
        torch.manual_seed(0)  # the same people at each age
        age = torch.distributions.Uniform(torch.tensor(year - 0.01), torch.tensor(year + 0.01))
        _, drawn = SimpleShapeDistribution(model, morphological_age_distribution=age).sample(_BODIES)
        each = torch.stack([drawn[name] for name in model.phenotype_labels], dim=1).float()
        nothing = torch.zeros(_BODIES, 0)
        blend = model._get_phenotype_blendshape_coefficients(each, nothing, nothing).mean(dim=0)
        off.append((template + (blend @ blendshapes).reshape(-1, 3) - grown_up).flatten().double().numpy())
        phenotypes.append(each.mean(dim=0).numpy())
    along, size, directions = np.linalg.svd(np.stack(off), full_matrices=False)
    unit = size[:_DIRECTIONS] / len(years) ** 0.5
    return Growth(
        np.column_stack([years, along[:, :_DIRECTIONS] * size[:_DIRECTIONS] / unit]).astype(np.float32),
        (unit[:, None] * directions[:_DIRECTIONS]).reshape(_DIRECTIONS, -1, 3).astype(np.float32),
        np.stack(phenotypes),
    )
