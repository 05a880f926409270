"""How to install what this package needs into the Python that runs: commands that work as they stand."""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path

PACKAGE = "mpt-human"


def how_to_install(extra: str) -> str:
    """The command that installs an extra from where the package itself came: a checkout, an address or an index."""
    return f"{sys.executable} -m pip install {_requirement(extra)}"


def how_to_install_again(dependency: str) -> str:
    """The command that installs one of the packages that this one always needs, over a broken one."""
    wanted = next(spec for spec in metadata.requires(PACKAGE) or () if re.match(rf"{dependency}\b(?!-)", spec))
    return f'{sys.executable} -m pip install --force-reinstall "{wanted}"'


def _requirement(extra: str) -> str:
    try:
        origin = metadata.distribution(PACKAGE).read_text("direct_url.json")  # PEP 610
    except metadata.PackageNotFoundError:  # a checkout that was never installed
        return f'-e "{Path(__file__).parents[1]}[{extra}]"'
    if origin is None:
        return f'"{PACKAGE}[{extra}]"'
    about = json.loads(origin)
    url = str(about["url"])
    if "vcs_info" in about:
        version = about["vcs_info"]
        return f'"{PACKAGE}[{extra}] @ {version["vcs"]}+{url}@{version["commit_id"]}"'
    if about.get("dir_info", {}).get("editable"):
        return f'-e "{url.removeprefix("file://")}[{extra}]"'
    return f'"{PACKAGE}[{extra}] @ {url}"'
