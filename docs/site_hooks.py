"""MkDocs' hooks: pages from outside of `docs/` become part of the site, and the command line's help does.

In the repository `docs/` lies beside `weights/` and the rest; on the site it is the root. Links between the two
are turned accordingly, so that they work in both.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
OUTSIDE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "findings/README.md",
    *(f"weights/{card.name}" for card in sorted((ROOT / "weights").glob("*.md"))),
)
_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of `OUTSIDE`, at the paths that they have in the repository, and that of the command line."""
    for page in OUTSIDE:
        files.append(File.generated(config, page, abs_src_path=str(ROOT / page)))
    command = [sys.executable, "-m", "typer", "cli.main", "utils", "docs", "--name", "mpt", "--title", "Command line"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files.append(File.generated(config, "reference/command-line.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links that lead from `docs/` to its neighbours, or from those into `docs/`."""
    if page.file.src_uri in OUTSIDE:
        return _LINK.sub(lambda link: link[1].replace("docs/", "", 1), markdown)
    at_the_root = "/" not in page.file.src_uri
    return _LINK.sub(lambda link: link[1].removeprefix("../") if at_the_root else link[1], markdown)
