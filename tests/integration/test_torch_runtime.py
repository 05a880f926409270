"""Detectors are loaded once for all networks that run them alike."""

from __future__ import annotations

import gc
import weakref

import torch

from model.runtime.loading import default_checkpoint
from model.runtime.torch_runtime import TorchNetwork, open_detector


def test_networks_share_what_they_run_alike() -> None:
    one, other = (TorchNetwork.load(default_checkpoint(), "cpu") for _ in range(2))
    assert one.mesh is not other.mesh and all(one.detectors[name] is other.detectors[name] for name in one.detectors)
    half = TorchNetwork.load(default_checkpoint(), "cpu", "bfloat16")
    for network, precision in ((one, torch.float32), (half, torch.bfloat16)):
        for detector in network.detectors.values():
            assert {parameter.dtype for parameter in detector.parameters()} == {precision}


def test_what_nobody_runs_any_more_is_let_go() -> None:
    there = weakref.ref(open_detector("blazepose-lite", "cpu", "bfloat16"))
    gc.collect()
    assert there() is None
