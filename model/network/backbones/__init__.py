"""2D pose networks by name."""

from __future__ import annotations

from model.network.backbones import blazepose as blazepose  # registers itself
from model.network.backbones import handlandmark as handlandmark
from model.network.backbones import higherhrnet as higherhrnet
from model.network.backbones import movenet as movenet
from model.network.backbones import simple_baseline as simple_baseline
from model.network.backbones.base import PoseBackbone, backbone_names, build_backbone, register_backbone

__all__ = ["PoseBackbone", "backbone_names", "build_backbone", "register_backbone"]
