"""`mpt`, also as `python -m cli`: the way in, which is there before anything that takes long to import."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; who interrupts it while it is still imported gets a sentence, too."""
    try:
        from cli.main import app

        app(prog_name="mpt")
    except KeyboardInterrupt:
        print("Error: interrupted.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
