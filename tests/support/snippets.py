"""What stands in the documentation as commands and as code, and whether a command line can be understood."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml

from cli import passthrough
from cli.main import app
from service.settings import Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("weights/*.md")])
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What no setting of the service is, and yet heeded: where caches and the settings' file are.
_OTHER_VARIABLES = {"MPT_CONFIG", "MPT_WEIGHTS_DIR", "MPT_CACHE_DIR"}


class Snippet(NamedTuple):
    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def blocks(language: str) -> Iterator[Snippet]:
    """The blocks in a language, page by page."""
    for page in PAGES:
        for found, text in _BLOCK.findall(page.read_text()):
            if found == language:
                yield Snippet(page.relative_to(ROOT).as_posix(), text)


def commands() -> Iterator[Snippet]:
    """Each command line in a block of the shell's."""
    for page, text in blocks("sh"):
        for line in text.replace("\\\n", " ").splitlines():
            if line := line.split(" # ")[0].strip():
                yield Snippet(page, line)


def taken_apart(words: list[str]) -> tuple[dict[str, str], list[str], str | None]:
    """A command line's variables, the command itself, and the file that its output goes to."""
    command = next(index for index, word in enumerate(words) if not re.fullmatch(r"[A-Z_]+=.*", word))
    environment = dict(word.split("=", 1) for word in words[:command])
    end = words.index(">") if ">" in words else len(words)
    return environment, words[command:end], words[end + 1] if end < len(words) else None


def understand(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if a command line, not counting curl's, would be refused for what stands in it. Runs nothing."""
    environment, words, _ = taken_apart(words)
    for variable in environment:
        assert variable in _OTHER_VARIABLES or variable.removeprefix("MPT_").lower() in Settings.model_fields, variable
    words[0] = words[0].removeprefix(".venv/bin/")
    match words:
        case ["make", *given]:
            known = set(re.findall(r"\$\(([A-Z0-9]+)\)", (ROOT / "Makefile").read_text()))
            assert {word.split("=")[0] for word in given if "=" in word} <= known
            for line in dry_run(words):
                if found := re.search(r"-m ((?:training|benchmarks|model|weights)\.[\w.]+)(.*)", line):
                    module_parses(found[1], shlex.split(found[2]), monkeypatch)
        case ["cat", _, "|", *piped]:
            understand(piped, monkeypatch)
        case ["python", "-m", module, *arguments]:
            module_parses(module, arguments, monkeypatch)
        case ["torchrun", "--nproc-per-node", count, "-m", module, *arguments]:
            assert int(count) > 1
            module_parses(module, arguments, monkeypatch)
        case ["mpt", *arguments]:
            mpt_parses(arguments, monkeypatch)
        case ["pip", "install", "-e", target]:
            assert extras(target) <= set(project()["optional-dependencies"])
        case ["docker", "compose", *options, "up"]:
            profiles = {name for service in compose().values() for name in service.get("profiles", [])}
            assert options == [] or (options[0] == "--profile" and set(options[1:]) <= profiles)
        case ["docker", "compose", "run", "--rm", service]:
            assert service in compose()
        case ["serve", "run", "service.cluster:build", *options]:
            cluster = pytest.importorskip("service.cluster", reason="needs the extra cluster")
            cluster.Options(**dict(option.split("=") for option in options))
        case _:
            pytest.fail("nobody knows how to check this command")


def dry_run(words: list[str]) -> list[str]:
    """The lines that make would run; a backslash continues one."""
    result = subprocess.run([*words, "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.replace("\\\n", " ").splitlines()


class _Parsed(Exception):
    pass


def module_parses(module: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if `python -m module arguments` would refuse its arguments."""
    if not arguments:
        assert importlib.util.find_spec(module)
        return
    parse = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser, *given: object) -> None:
        parse(parser, *given)  # type: ignore[arg-type]
        raise _Parsed

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
        patch.setattr(sys, "argv", [module, *arguments])
        with pytest.raises(_Parsed):
            importlib.import_module(module).main()


def mpt_parses(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if `mpt` would refuse its arguments."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    context = command.make_context(command.name, list(arguments))
    if context.args:  # handed over to a module
        handed = []
        with monkeypatch.context() as patch:
            patch.setattr(passthrough, "_run", lambda module, _: handed.append(module))
            command.invoke(context)
        module_parses(handed[0], context.args, monkeypatch)


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def extras(target: str) -> set[str]:
    """Those that `.[one,two]` names."""
    return set(re.fullmatch(r"(?:\.|mpt-human)\[([\w,-]+)\]", target)[1].split(","))  # type: ignore[index]


def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
