"""Stage one: mesh pre-training on poses alone, MoCap or drawn (section 3.1). `python -m training.pretrain --help`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.errors import BadInput
from model.files import check_folder
from model.joints import JOINTS
from model.network.checkpoint import Checkpoint, save_checkpoint
from model.network.lifting import LiftNetwork, MeshNetwork
from model.network.mesh_heads import MeshBasis
from model.network.sizes import lift_of
from model.network.transformer import MeshTransformer
from training.arguments import add_device, whole
from training.bodies.anny import ADULT, AnnyBody
from training.bodies.anny_hand import AnnyHand
from training.bodies.coarse import check_is_of, load_topology, save_topology
from training.bodies.protocol import BodyModel
from training.cards import model_card
from training.console import telling_errors
from training.evaluation.validation import score_clean
from training.hands.mano_poses import read_mano_poses
from training.hands.sampling import drawn_hands
from training.loop.distributed import Processes, joined
from training.loop.trainer import StepLoss, Trainer, TrainerConfig, kept
from training.mocap.poses import MocapPoses
from training.mocap.read import read_mocap
from training.mocap.sample import read_sample
from training.mocap.split import split_by_subject
from training.objectives import lifting_loss, pretraining_loss
from training.recipes import PRETRAIN, PretrainRecipe, for_hands
from training.synthesis.joint_samples import JointSynthesizer
from training.synthesis.samples import Synthesizer
from training.variants import build_variant, load_any

_VALIDATION_POSES = 1024
_BASIS_POSES = 4096


def pretrain(
    recipe: PretrainRecipe,
    poses: MocapPoses,
    folder: Path,
    processes: Processes,
    compile: bool = False,
    start: Path | None = None,
    body: BodyModel | None = None,
) -> Path:
    """Pre-trains (or goes on) in `folder` and returns the best checkpoint by validation subjects.

    A recipe whose second stage has no steps ends with the first one.

    Args:
        recipe: what and how.
        poses: all poses at hand, of the recipe's subject; the held-out subjects are left out here.
        folder: of the run.
        processes: who takes part.
        compile: see `Trainer`.
        start: a checkpoint of the recipe's size whose weights and topology a new run begins with, in place of the
            first stage.
        body: of the recipe's subject; None for the open one.

    Raises:
        BadInput: the checkpoint is of another size, or it or the folder of another mesh.
    """
    body = body or processes.one_by_one(lambda: load_body(recipe))
    training, validation, _ = split_by_subject(poses, body.subject.held_out)
    folder.mkdir(parents=True, exist_ok=True)
    rotations = torch.from_numpy(training.rotations)
    if start and not (folder / "topology.safetensors").exists():
        begin = load_any(start).topology
        check_is_of(begin, body, start)
        save_topology(folder / "topology.safetensors", begin)
    topology = processes.one_by_one(lambda: load_topology(folder / "topology.safetensors", body, rotations))
    train, check = (
        Synthesizer(body, topology, torch.from_numpy(part.rotations), recipe.synthesis, processes.device)
        for part in (training, validation)
    )
    torch.manual_seed(recipe.trainer.seed)
    model = build_variant(recipe.size, topology)
    fit_bases(model, train)
    seen = _begin(model, load_any(start), start) if start else 0
    about = {
        "backbone": body.subject.backbone,
        "subject": body.subject.name,
        "training_poses": len(training),
        "training_subjects": sorted(set(training.subjects.tolist())),
        "validation_subjects": sorted(set(validation.subjects.tolist())),
    }

    def stage(name: str, config: TrainerConfig, loss: StepLoss, seen: int) -> PretrainingStage:
        return PretrainingStage(loss, check, folder / name, recipe, config, about, seen)

    if recipe.lift and not start:
        first = stage("lift.safetensors", recipe.lift, lifting_loss(JointSynthesizer(train), recipe.edges), seen)
        if not (folder / "state.safetensors").exists():
            assert isinstance(model, MeshTransformer | LiftNetwork)
            alone = LiftNetwork(lift_of(recipe.size), topology.unit, model.lift)
            lift = Trainer(alone, recipe.lift, folder / "lift", processes, compile)
            lift.run(first)
            if not recipe.trainer.steps:
                return first.path
            alone.load_state_dict(lift.average.state_dict())
        seen = recipe.lift.steps * recipe.lift.batch_size
    whole = stage("best.safetensors", recipe.trainer, pretraining_loss(train, recipe.edges), seen)
    Trainer(model, recipe.trainer, folder, processes, compile).run(whole)
    return whole.path


@dataclass(frozen=True)
class PretrainingStage:
    """Pre-training of `PoseLift` alone, or of the whole network."""

    loss: StepLoss
    check: Synthesizer
    """Makes the validation subjects' samples."""
    path: Path
    """Where the best network goes."""
    recipe: PretrainRecipe
    config: TrainerConfig
    """Of this stage."""
    card: dict[str, Any]
    """What the stages' cards say alike."""
    seen: int
    """Samples that the network saw in earlier stages."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """See `Stage`."""
        return score_clean(network, self.check, count=_VALIDATION_POSES)

    def keep(self, network: nn.Module, step: int, scores: dict[str, float]) -> None:
        """See `Stage`."""
        assert isinstance(network, MeshNetwork)
        name, seen = f"{self.check.body.name}-{network.size.name}", self.seen + step * self.config.batch_size
        card = model_card(name, "zero-shot", self.recipe, self.check.device, step, seen, scores, **self.card)
        save_checkpoint(self.path, network, self.check.topology, card)


def _begin(model: MeshNetwork, begin: Checkpoint, path: Path) -> int:
    """Gives a network a checkpoint's weights, be it of the same size or of a first stage; the samples it has seen.

    Raises:
        BadInput: the checkpoint is of another size.
    """
    size = begin.model.size
    if size == lift_of(model.size) and isinstance(begin.model, LiftNetwork) and isinstance(model, MeshTransformer):
        model.lift.load_state_dict(begin.model.lift.state_dict())
    elif dataclasses.replace(size, name=model.size.name) == model.size:
        model.load_state_dict(begin.model.state_dict())
    else:
        raise BadInput(f"{path} is a {size.name} network; choose --size {size.name}.")
    return int(begin.card.get("samples_seen", 0))


def fit_bases(model: nn.Module, samples: Synthesizer) -> None:
    """Starts low-rank mesh heads, where a network has some, with the principal directions of posed bodies."""
    generator = torch.Generator(samples.device).manual_seed(0)
    for basis in (module for module in model.modules() if isinstance(module, MeshBasis)):
        index = torch.randint(len(samples.poses), (_BASIS_POSES,), generator=generator, device=samples.device)
        vertices = samples.bodies(index, generator, samples.config.variety).vertices.cpu()
        topology = samples.topology
        basis.fit((vertices - topology.template[topology.coarse]) / topology.unit)


def load_body(recipe: PretrainRecipe) -> BodyModel:
    """The open body model that a recipe's samples are made of, if no other is given."""
    return AnnyHand.load() if recipe.subject == "hand" else AnnyBody.load(recipe.youngest)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="mpt pretrain", description=__doc__)
    parser.add_argument(
        "--subject", choices=("body", "hand"), default="body", help="hands need no MoCap: their poses are drawn"
    )
    parser.add_argument("--mocap", type=Path, help="folder of MoCap; without it a small real sample")
    parser.add_argument("--smpl", type=Path, help="SMPL, SMPL-H or SMPL-X as npz, instead of the open body")
    parser.add_argument("--mano", type=Path, help="MANO_RIGHT as npz, instead of the open hand; --mocap has its poses")
    parser.add_argument("--size", choices=sorted(PRETRAIN), default="tiny")
    parser.add_argument("--steps", type=whole(), help="instead of the recipe's")
    parser.add_argument("--batch-size", type=whole(), help="instead of the recipe's")
    parser.add_argument(
        "--youngest", type=whole(0, ADULT), default=ADULT, help="years of the youngest bodies; 2 adds children"
    )
    parser.add_argument("--output", type=Path, help="folder of the run, resumed if it exists; runs/pretrain-SIZE")
    parser.add_argument(
        "--from", dest="start", type=Path, help="a checkpoint to go on from, with a fresh schedule and optimiser"
    )
    add_device(parser)
    parser.add_argument(
        "--compile", action="store_true", help="compile the network; on a CPU this needs a C++ compiler"
    )
    options = parser.parse_args(arguments)
    recipe, hand = PRETRAIN[options.size](), options.subject == "hand"
    if hand and bool(options.mano) != bool(options.mocap):
        parser.error("--subject hand draws the open hand's poses; --mano and --mocap go together")
    if options.smpl if hand else options.mano:
        parser.error("--smpl is for bodies, --mano for hands")
    if options.youngest != ADULT and (hand or options.smpl):
        parser.error("--youngest is for the open body")
    recipe = for_hands(recipe) if hand else recipe
    folder = options.output or Path("runs") / f"pretrain-{'hand-' if hand else ''}{options.size}"
    with telling_errors(), joined(options.device) as processes:
        check_folder(folder)
        if options.start:
            load_any(options.start)  # tells that it cannot be read before minutes of reading MoCap
        if processes.leads:
            _tell(options.mocap, folder, hand)
        body = brought_body(options.smpl, options.mano)
        recipe = dataclasses.replace(recipe, youngest=options.youngest)
        batch = options.batch_size or recipe.trainer.batch_size
        changes = {"steps": options.steps, "batch_size": options.batch_size, "shards": shards(batch, processes)}
        recipe = recipe.change({name: value for name, value in changes.items() if value is not None})
        poses = processes.one_by_one(lambda: _poses(options.mocap, hand, body))
        best = pretrain(recipe, poses, folder, processes, options.compile, options.start, body)
        if processes.leads:
            print(f"The best checkpoint by validation subjects: {kept(best)}")


def shards(batch: int, processes: Processes) -> int:
    """In how many parts a step's samples are made and seen.

    On CPUs parts hold at most 256, so that their heatmaps stay near the caches: half as fast again as 512 at once.
    """
    count = processes.count
    while processes.device.type == "cpu" and batch > 256 * count and batch % (2 * count) == 0:
        count *= 2
    return count


def brought_body(smpl: Path | None, mano: Path | None = None) -> BodyModel | None:
    """The user's own model, if there is one. What poses it is an extra, and imported only for it.

    Raises:
        BadInput: the extra is not installed.
        BadData: the file is no such model.
    """
    try:
        if smpl:
            from training.bodies.smpl import SmplBody

            return SmplBody(smpl)
        if mano:
            from training.bodies.mano import ManoHand

            return ManoHand(mano)
    except ImportError as error:
        raise BadInput(str(error)) from None
    return None


def _poses(mocap: Path | None, hand: bool, body: BodyModel | None) -> MocapPoses:
    if hand and mocap and body:
        return read_mano_poses(mocap, body)  # type: ignore[arg-type]
    if hand:
        return drawn_hands()
    return read_sample() if mocap is None else read_mocap(mocap, body.joint_count if body else JOINTS)


def _tell(mocap: Path | None, folder: Path, hand: bool) -> None:
    if mocap is None and not hand:
        print("No MoCap was given: pre-training on the built-in sample, DeepMimic's clips, to show that it works.")
        print("For a useful network give a folder of MoCap: make train-pretrain MOCAP=folder")
    print(f"Logs for TensorBoard: {folder}/tensorboard")


if __name__ == "__main__":
    main()
