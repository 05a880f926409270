"""Held-out MoCap in bodies: those that people get, fitted to a network's meshes and refined to what heatmaps show."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from model.body.evidence import Seen, confidence_of_heatmaps
from model.body.fitter import BodyFitter
from model.body.rig import Rig
from model.network.heatmaps import read_heatmaps
from model.network.placement import solve_translation
from model.people import UNHEDGED
from training.evaluation.baselines import Predict, Prediction
from training.evaluation.candidates import Evaluated
from training.evaluation.heldout_views import Condition, Views


def once(predict: Predict) -> Predict:
    """The same, but asked for the same views again it need not work again."""
    return lru_cache(maxsize=1)(predict)


def body_predictor(network: Evaluated, rig: Rig, raw: Predict, condition: Condition) -> Predict:
    """The bodies for what a network answers to heatmaps in one condition; its own mesh of who came out as no body.

    Args:
        network: of the rig's mesh.
        rig: of the bodies.
        raw: what the network answers in this condition.
        condition: the heatmaps, whose peaks are what is seen.
    """
    fitter = BodyFitter(rig, rig, network.topology.joint_names)
    regressor = network.topology.joint_regressor
    size = network.checkpoint.model.size.heatmap_size

    def predict(views: Views) -> Prediction:
        vertices, _ = raw(views)
        joints = regressor @ vertices
        shown = read_heatmaps(condition(views, size))
        # On the image plane at unit distance, where the views have their crops.
        seen = views.crop[:, None, :2] + shown.position * views.crop[:, None, 2:] / 2  # (B, K, 2)
        confidence, people = shown.peak.clamp(0, 1), len(joints)
        places = solve_translation(joints, seen, confidence.square(), torch.ones(people, 1)).double().numpy()
        sure = confidence_of_heatmaps(confidence.numpy())
        evidence = Seen(seen.numpy(), sure, np.ones(people), np.zeros((people, 2)))
        bodies = fitter.bodies(UNHEDGED * vertices.numpy(), UNHEDGED * places, evidence)
        own = zip(bodies, vertices.numpy(), joints.numpy(), strict=True)
        pairs = [(mesh, points) if body is None else (body.vertices, body.joints) for body, mesh, points in own]
        return Prediction(*(torch.from_numpy(np.stack(parts)) for parts in zip(*pairs, strict=True)))

    return predict
