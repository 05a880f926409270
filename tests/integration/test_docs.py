"""The documentation: what it tells people to type works, and what it links to is there."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
from pathlib import Path

import cv2
import httpx2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.served import served
from cli.main import app
from model.network.backbones import base
from model.video.writing import VideoWriter
from service.settings import Settings, read_settings, to_toml
from tests.support.service_client import form
from tests.support.snippets import PAGES, ROOT, Snippet, blocks, commands, taken_apart, understand

SAMPLE = ROOT / "service" / "static" / "sample.jpg"
COMMANDS = sorted(set(commands()))
# Understood but not run: what trains, evaluates, exports and measures (hours, or data that users bring; there are tests
# of each on less), what installs (make, pip, docker), and a cluster. All else is run as it stands.
RUN = [
    snippet
    for snippet in COMMANDS
    if re.match(r"(cat \S+ \| )?mpt (reconstruct|explain|doctor|settings|weights)", snippet.text)
]
RUN = list({snippet.text: snippet for snippet in RUN}.values())  # once, on however many pages they stand
SERVE = [s for s in COMMANDS if "mpt serve" in s.text and "MPT_RIG" not in s.text]  # the rig is one that users make


@pytest.mark.parametrize("snippet", [s for s in COMMANDS if not s.text.startswith("curl")], ids=str)
def test_a_command_is_understood(snippet: Snippet, monkeypatch: pytest.MonkeyPatch):
    understand(shlex.split(snippet.text), monkeypatch)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the documentation's commands name: photos, and a clip of one person by a moving camera."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("photo.jpg", "holiday/one.jpg", "photos/deep/two.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE, folder / name)
    still = cv2.resize(cv2.imread(str(SAMPLE)), (480, 320), interpolation=cv2.INTER_AREA)[..., ::-1]
    writer = VideoWriter(folder / "dance.mp4", (160, 320), 10.0)
    for index in range(4):
        writer.add(index / 10, np.ascontiguousarray(still[:, index : index + 160]))
    writer.finish()
    return folder


@pytest.mark.parametrize("snippet", RUN, ids=str)
@pytest.mark.usefixtures("loads_once")
def test_a_command_runs(snippet: Snippet, desk: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(desk)
    environment, words, file = taken_apart(shlex.split(snippet.text))
    assert not environment
    piped = None
    if words[0] == "cat":
        _, source, _, *words = words
        piped = Path(source).read_bytes()
    for folder in ("reconstructions", "explanations"):
        shutil.rmtree(folder, ignore_errors=True)
    result = CliRunner().invoke(app, words[1:], input=piped)
    assert result.exit_code == 0, result.output
    if words[1] in ("reconstruct", "explain"):
        assert "found" not in result.output  # as in "Nobody was found"
        (folder,) = (path for path in (Path("reconstructions"), Path("explanations")) if path.exists())
        assert any(path.is_file() for path in folder.rglob("*"))
    if file:
        before = Settings()
        Path(file).write_text(result.stdout)
        monkeypatch.setenv("MPT_CONFIG", file)
        assert read_settings() == before


@pytest.mark.slow
@pytest.mark.parametrize("snippet", SERVE, ids=str)
def test_the_service_starts_as_told(snippet: Snippet, tmp_path: Path):
    """And answers a photo; on a free port, whatever is told."""
    environment, (_, command, *arguments), _ = taken_apart(shlex.split(snippet.text))
    (tmp_path / "mpt.toml").write_text(to_toml(Settings()))
    key = environment.get("MPT_API_KEYS")
    with served("cli", environment | {"MPT_PORT": "0"}, [command, *arguments], tmp_path) as service:
        statuses = []
        for headers in ({}, {"X-API-Key": key or ""}):
            answer = httpx2.post(
                f"{service.url}/reconstruct", files=form(SAMPLE.read_bytes()), headers=headers, timeout=120
            )
            statuses.append(answer.status_code)
        assert statuses == ([401, 200] if key else [200, 200])
        assert len(answer.json()["people"]) == 3


@pytest.mark.usefixtures("loads_once")
@pytest.mark.parametrize("page", sorted({page for page, _ in blocks("python")}))
def test_code_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A page's blocks one after the other, as a reader would type them, beside a photo of three people."""
    shutil.copy(SAMPLE, tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(base, "_BACKBONES", dict(base._BACKBONES))  # a page registers one
    names: dict[str, object] = {"__name__": "__main__"}
    for _, code in (block for block in blocks("python") if block.page == page):
        exec(compile(code, page, "exec"), names)
    if page == "README.md":
        assert len(names["people"]) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" not in link:
            assert (page.parent / link.split("#")[0]).exists(), link


@pytest.mark.usefixtures("loads_once")
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each cell's last expression is its output; pictures come where the committed notebook has them."""
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / "docs" / "photo-to-3d.ipynb").read_text())["cells"]
    names: dict[str, object] = {}
    pictures = 0
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        *body, last = ast.parse("".join(cell["source"])).body
        committed = [kind for output in cell["outputs"] for kind in output.get("data", {})]
        value = None
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), "cell", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        else:
            exec(compile(ast.Module([*body, last], []), "cell", "exec"), names)
        assert isinstance(value, Image.Image) == ("image/jpeg" in committed)
        pictures += isinstance(value, Image.Image)
    assert pictures == 4
    assert [file.name for file in sorted(tmp_path.iterdir())] == [f"person-{number}.glb" for number in (1, 2, 3)]
