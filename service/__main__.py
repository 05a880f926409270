"""`python -m service`: serve over HTTP, as the MPT_ environment variables say."""

from __future__ import annotations

import logging
import sys

import uvicorn
from pydantic import ValidationError

from service.app import create_app
from service.settings import Settings


def main() -> int:
    """Run the service until it is told to stop; returns the exit status."""
    try:
        settings = Settings()
    except ValidationError as error:
        for item in error.errors():
            print(f"MPT_{str(item['loc'][0]).upper()}: {item['msg']}", file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s: %(name)s: %(message)s")
    try:
        app = create_app(settings)
    except OSError as error:
        print(f"The folder for meshes cannot be used: {error}. Name another by MPT_STORE_DIR.", file=sys.stderr)
        return 2
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        log_level=settings.log_level,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
