"""Stage two: end-to-end fine-tuning on image-mesh pairs (section 3.3). `python -m training.finetune --help`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import weights
from model.errors import BadInput
from model.files import check_folder
from model.network.backbones import backbone_names, build_backbone
from model.network.checkpoint import Checkpoint, save_checkpoint
from model.network.sizes import TransformerSize
from model.network.topology import MeshTopology
from model.runtime.loading import default_checkpoint
from training.arguments import add_device, real, whole
from training.bodies.anny import AnnyBody
from training.bodies.coarse import is_of
from training.bodies.protocol import BodyModel
from training.cards import model_card
from training.console import telling_errors
from training.end_to_end import EndToEnd
from training.evaluation.prepared import known_joints, score_prepared
from training.images.augment import Augmentation
from training.images.backbone_cache import BackboneMaps
from training.images.batches import ImageSource, MappedSource, MixedSource, Source
from training.images.shards import RENDERED, PreparedImages
from training.loop.distributed import Processes, joined
from training.loop.trainer import StepLoss, Trainer, kept
from training.mocap.read import read_mocap
from training.mocap.split import split_by_subject
from training.objectives import finetuning_loss
from training.pretrain import brought_body
from training.recipes import FINETUNE, FinetuneRecipe
from training.synthesis.samples import SynthesisConfig, Synthesizer
from training.variants import SIZES, build_variant, features_of, load_any, reading_features


def finetune(
    recipe: FinetuneRecipe,
    images: Sequence[Path],
    folder: Path,
    processes: Processes,
    start: Path | None,
    mocap: Path | None = None,
    topology: MeshTopology | None = None,
    compile: bool = False,
    body: BodyModel | None = None,
) -> Path:
    """Fine-tunes (or goes on) in `folder` and returns the best checkpoint by validation images.

    Args:
        recipe: what and how.
        images: folders of `training.images.prepare`; the first one's validation images choose the best step.
        folder: of the run.
        processes: who takes part.
        start: the checkpoint to begin with; None for random weights of `recipe.size`.
        mocap: poses for pre-training's samples, where the recipe mixes them in.
        topology: without a checkpoint to begin with.
        compile: see `Trainer`.
        body: that `mocap` poses, of the topology's mesh; None for the open one.

    Raises:
        BadInput: the images, the checkpoint and the recipe do not go together.
    """
    device = processes.device
    begin = _begin(recipe, start, topology)
    model, topology, card = begin.model, begin.topology, begin.card
    backbone = begin.backbone or build_backbone(recipe.backbone, weights.path(recipe.backbone))
    network = EndToEnd(backbone.to(device), model, topology, recipe.frozen)
    own = begin.backbone is not None or not recipe.frozen  # it is not, or will not be, the published one
    training = [PreparedImages(part, "train", recipe.images) for part in images]
    checking = PreparedImages(images[0], "validation", recipe.validation_images)
    for part in (*training, checking):
        _check_fits(part, topology, backbone.input_size)
    known_joints(checking, topology)  # or the first validation would fail, after hours
    features = bool(features_of(model.size))
    if features:  # which no sample of pre-training has, and which no joint owns
        recipe = dataclasses.replace(recipe, mixed=0.0, hides_heatmaps=False)
    drawn: Source
    maps: BackboneMaps | None = None
    if recipe.frozen:
        answers = processes.one_by_one(
            lambda: [BackboneMaps(part, backbone, device, features) for part in (*training, checking)]
        )
        maps = answers.pop()
        drawn = MixedSource([MappedSource(*pair) for pair in zip(training, answers, strict=True)], recipe.weights)
    else:
        sources = [ImageSource(part, topology, _augmentation(part, topology)) for part in training]
        drawn = MixedSource(sources, recipe.weights)
    synthetic = _synthesizer(recipe, topology, mocap, body, model.size, device) if recipe.mixed else None
    about = {
        "backbone": recipe.backbone,
        "backbone_frozen": recipe.frozen,
        "began_with": card.get("name"),
        "images": sum(map(len, training)),
        "images_data": [part.about for part in training],
        "mocap_share": recipe.mixed if synthetic else 0.0,
    }
    loss = finetuning_loss(drawn, synthetic, topology, recipe, device)
    best, seen = folder / "best.safetensors", int(card.get("samples_seen", 0))
    stage = FinetuningStage(loss, checking, maps, best, recipe, topology, device, own, about, seen)
    Trainer(network, recipe.trainer, folder, processes, compile).run(stage)
    return best


@dataclass(frozen=True)
class FinetuningStage:
    """Fine-tuning on images."""

    loss: StepLoss
    checking: PreparedImages
    """The validation images."""
    maps: BackboneMaps | None
    """A frozen backbone's answers to them."""
    path: Path
    """Where the best network goes."""
    recipe: FinetuneRecipe
    topology: MeshTopology
    device: torch.device
    own_backbone: bool
    """Whether the backbone is, or will be, another than the published one, and goes into the checkpoint."""
    card: dict[str, Any]
    """What the card says beside what every card has."""
    seen: int
    """Samples that the network saw before."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """See `Stage`."""
        assert isinstance(network, EndToEnd)
        return score_prepared(network, self.checking, self.maps)

    def keep(self, network: nn.Module, step: int, scores: dict[str, float]) -> None:
        """See `Stage`."""
        assert isinstance(network, EndToEnd)
        model, seen = network.mpt.transformer, self.seen + step * self.recipe.trainer.batch_size
        name = f"{self.topology.name}-{model.size.name}-tuned"
        card = model_card(name, "fine-tuned", self.recipe, self.device, step, seen, scores, **self.card)
        save_checkpoint(self.path, model, self.topology, card, network.mpt.backbone if self.own_backbone else None)


def _begin(recipe: FinetuneRecipe, start: Path | None, topology: MeshTopology | None) -> Checkpoint:
    """What a run begins with: a checkpoint, or a transformer of random weights."""
    torch.manual_seed(recipe.trainer.seed)
    if start is None:
        if recipe.size is None or topology is None:
            raise BadInput("A network from scratch needs a size and a mesh topology: give --size.")
        if recipe.size.rank:
            raise BadInput(f"The mesh head of --size {recipe.size.name} is made in pre-training: give --from.")
        return Checkpoint(build_variant(recipe.size, topology), topology, None, {})
    loaded = load_any(start)
    if recipe.size and dataclasses.replace(recipe.size, name=loaded.model.size.name) != loaded.model.size:
        raise BadInput(f"{start} is a {loaded.model.size.name} network, which is not what --size and --inputs ask for.")
    if loaded.backbone and loaded.card["backbone"] != recipe.backbone:
        raise BadInput(f"{start} was fine-tuned with {loaded.card['backbone']}: choose that --backbone.")
    return loaded


def _check_fits(images: PreparedImages, topology: MeshTopology, size: int) -> None:
    if images.about.get("topology") != topology.fingerprint:
        raise BadInput(f"The images in {images.folder} are of another mesh topology; prepare them with --checkpoint.")
    if images.about.get("size") != size:
        raise BadInput(
            f"The images in {images.folder} have {images.about.get('size')} pixels, but the backbone takes {size}: "
            f"prepare some with --size {size}."
        )


def _augmentation(images: PreparedImages, topology: MeshTopology) -> Augmentation | None:
    """Random changes to photos; rendered people were drawn with theirs."""
    return None if images.about.get("data") == RENDERED else Augmentation(topology)


def _synthesizer(
    recipe: FinetuneRecipe,
    topology: MeshTopology,
    mocap: Path | None,
    body: BodyModel | None,
    size: TransformerSize,
    device: torch.device,
) -> Synthesizer:
    """Pre-training's samples, of the training subjects alone."""
    if mocap is None:
        raise BadInput("The recipe mixes pre-training's samples in: give --mocap, or --mixed 0 to do without.")
    body = body or AnnyBody.load()
    if not is_of(topology, body):
        raise BadInput(
            f"Pre-training's samples are of the body '{body.name}', the checkpoint is of the mesh '{topology.name}': "
            "give its body with --smpl path/to/SMPL_NEUTRAL.npz, or --mixed 0 to do without these samples."
        )
    poses, _, _ = split_by_subject(read_mocap(mocap, body.joint_count))
    config = SynthesisConfig(size.heatmap_size)
    return Synthesizer(body, topology, torch.from_numpy(poses.rotations), config, device)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="mpt finetune", description=__doc__)
    parser.add_argument(
        "--images", type=Path, nargs="+", default=[Path("runs/rendered")], help="folders of training.images.prepare"
    )
    parser.add_argument(
        "--weights", type=real(0, 1e9), nargs="+", help="how often each folder is drawn; as it has images"
    )
    parser.add_argument("--recipe", choices=sorted(FINETUNE), default="frozen")
    parser.add_argument("--from", dest="start", default=None, help="a checkpoint; the shipped one; none: from scratch")
    parser.add_argument("--mocap", type=Path, help="folder of MoCap, whose samples of pre-training are mixed in")
    parser.add_argument("--smpl", type=Path, help="SMPL as npz, for --mocap, where the checkpoint is of its mesh")
    parser.add_argument("--mixed", type=float, help="share of these in a batch, instead of the recipe's; 0: without")
    parser.add_argument(
        "--backbone", choices=backbone_names(), default="movenet-thunder", help="the 2D pose network to begin with"
    )
    parser.add_argument("--inputs", choices=("heatmaps", "features"), default="heatmaps", help="of the transformer")
    parser.add_argument("--size", choices=sorted(SIZES), default="tiny", help="of a network from scratch")
    parser.add_argument("--train-images", type=whole(), help="how many of them, the first ones")
    parser.add_argument("--steps", type=whole(), help="instead of the recipe's")
    parser.add_argument("--batch-size", type=whole(), help="instead of the recipe's")
    parser.add_argument("--output", type=Path, help="folder of the run, resumed if it exists; runs/finetune-RECIPE")
    parser.add_argument("--photos", type=Path, help="annotated photos, scored at the end; they choose nothing")
    add_device(parser)
    parser.add_argument(
        "--compile", action="store_true", help="compile the network; on a CPU this needs a C++ compiler"
    )
    options = parser.parse_args(arguments)
    folder = options.output or Path("runs") / f"finetune-{options.recipe}"
    with telling_errors(), joined(options.device) as processes:
        check_folder(folder)
        recipe, start, topology = _chosen(options, processes.count)
        body, mocap = brought_body(options.smpl), options.mocap
        best = finetune(recipe, options.images, folder, processes, start, mocap, topology, options.compile, body)
        if processes.leads:
            print(f"The best checkpoint by validation images: {kept(best)}")
            if options.photos:
                _score_photos(best, options.photos, folder / "photos")


def _chosen(options: argparse.Namespace, processes: int) -> tuple[FinetuneRecipe, Path | None, MeshTopology | None]:
    """The recipe as the options change it, the checkpoint to begin with, and the topology if there is none."""
    if options.mixed is not None and not 0 <= options.mixed < 1:
        raise BadInput(f"--mixed is a share of each batch, from 0 to below 1, not {options.mixed:g}.")
    recipe = FINETUNE[options.recipe]()
    changes = {"steps": options.steps, "batch_size": options.batch_size, "shards": processes}
    trainer = dataclasses.replace(recipe.trainer, **{k: v for k, v in changes.items() if v is not None})
    mixed = recipe.mixed if options.mixed is None else options.mixed
    recipe = dataclasses.replace(
        recipe,
        trainer=trainer,
        backbone=options.backbone,
        mixed=mixed,
        images=options.train_images,
        weights=options.weights,
    )
    if options.start not in ("none", None):
        return recipe, Path(options.start), None
    shipped = default_checkpoint()
    if options.start is None and options.inputs == "heatmaps":
        return recipe, shipped, None
    size = SIZES[options.size]()
    if options.inputs == "features":
        size = reading_features(size, build_backbone(recipe.backbone).feature_channels)
    return dataclasses.replace(recipe, size=size), None, load_any(shipped).topology


def _score_photos(checkpoint: Path, photos: Path, output: Path) -> None:
    from model.reconstructor import Reconstructor
    from training.evaluation.photos import evaluate_photos
    from training.images.datasets.photo_annotations import read_photos

    both = {"zero-shot": default_checkpoint(), "fine-tuned": checkpoint}
    report = evaluate_photos(
        {name: Reconstructor.load(path) for name, path in both.items()}, read_photos(photos), output
    )
    report.write(output)
    print(report.markdown())


if __name__ == "__main__":
    main()
