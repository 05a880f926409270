"""`mpt` before it does anything: quick to start, its help, its errors and exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.__main__ import main
from cli.errors import Sentences
from cli.main import app
from model.errors import BadData

COMMANDS = (
    "reconstruct",
    "explain",
    "serve",
    "export",
    "pretrain",
    "finetune",
    "evaluate",
    "convert-body",
    "weights",
    "settings",
    "doctor",
)
HEAVY = ("torch", "numpy", "cv2", "pydantic", "fastapi", "trimesh", "PIL", "training", "safetensors")


def run(*arguments: str) -> tuple[int, str]:
    """The exit code, and the output without frames and line breaks."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, " ".join(re.sub("[│╭╮╰╯─]", " ", result.output).split())


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; from cli.main import app\n"
        "try: app(['--help'], prog_name='mpt')\n"
        f"finally: print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert result.stdout.splitlines()[-1] == "[]", result.stderr
    assert all(command in result.stdout for command in COMMANDS)
    assert "Exit codes" in result.stdout


def test_who_interrupts_its_imports_gets_a_sentence(monkeypatch, capsys):
    def interrupted(name):
        raise KeyboardInterrupt

    slow = types.ModuleType("cli.main")
    slow.__getattr__ = interrupted
    monkeypatch.setitem(sys.modules, "cli.main", slow)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Error: interrupted.\n"


@pytest.mark.parametrize(
    "command", [("reconstruct",), ("explain",), ("serve",), ("weights", "verify"), ("doctor",), ("settings",)]
)
def test_each_help_has_an_example(command):
    status, output = run(*command, "--help")
    assert status == 0
    assert f"mpt {' '.join(command)}" in output.split("Example", 1)[1]


def test_version():
    assert re.fullmatch(r"mpt \d+\.\d+\.\d+\S*", run("--version")[1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("recontruct", "x.jpg"), "No such command 'recontruct'"),
        (("reconstruct",), "Missing argument 'INPUT'"),
        (("reconstruct", "x.jpg", "--format", "glb,ply"), "there is no 'ply'; choose of glb, obj, scene, json, npz"),
        (("reconstruct", "x.jpg", "--format", " , "), "or add --overlay"),
        (("reconstruct", "x.jpg", "--max-people", "0"), "--max-people"),
        (("reconstruct", "x.jpg", "--mode", "few-shot"), "few-shot"),
        (("serve", "--port", "70000"), "--port"),
    ],
)
def test_a_wrong_command_line_is_refused_with_a_sentence(arguments, words):
    status, output = run(*arguments)
    assert status == 2
    assert words in output


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (BadData("The file a.npz is no MoCap."), 1, "Error: The file a.npz is no MoCap."),
        (FileNotFoundError(2, "No such file or directory", "a.npz"), 1, "Error: No such file or directory: a.npz."),
        (MemoryError(), 1, "Error: There is not enough memory for this."),
        (KeyboardInterrupt(), 130, "Error: interrupted."),
        (typer.Exit(7), 7, ""),
    ],
)
def test_errors_are_sentences(error, status, sentence):
    result = CliRunner().invoke(failing(error), ["command"])
    assert (result.exit_code, result.output.strip()) == (status, sentence)


def test_of_an_error_that_should_not_be_the_details_go_to_a_file():
    result = CliRunner().invoke(failing(ZeroDivisionError("division by zero")), ["command"])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    found = re.fullmatch(
        r"Error: This failed as it should not \(ZeroDivisionError: division by zero\)\. Details are in (\S+)\.",
        result.output.strip(),
    )
    assert found is not None, result.output
    assert "Traceback" in Path(found[1]).read_text()
    Path(found[1]).unlink()


def failing(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=Sentences)

    @app.callback()
    def callback() -> None:
        pass

    @app.command()
    def command() -> None:
        raise error

    return app
