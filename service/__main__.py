"""`python -m service`: serve over HTTP, as the settings say."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys

import uvicorn
from fastapi import FastAPI
from pydantic_settings import SettingsError

from service.allocator import give_back_large_pieces
from service.app import create_app
from service.http import logging_setup
from service.http.server_protocol import Protocol
from service.settings import Settings, read_settings


def main() -> int:
    """Run the service until it is told to stop; returns the exit status."""
    try:
        settings = read_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        _try_port(settings)
    except OSError as error:
        place, reason = f"port {settings.port} of {settings.host}", str(error.strerror).split(" (")[0]
        print(f"The service cannot have {place}: {reason}. Name others by MPT_PORT and MPT_HOST.", file=sys.stderr)
        return 2
    give_back_large_pieces()
    logging_setup.set_up(settings.log_level, settings.log_format)
    try:
        app = create_app(settings)
    except (OSError, ValueError, ImportError) as error:
        name = "MPT_STORE_URL" if settings.store_url else "MPT_STORE_DIR"
        print(
            f"A place for what the service keeps cannot be used: {error}. "
            f"Name others by {name} (meshes) and MPT_JOBS_DIR (videos).",
            file=sys.stderr,
        )
        return 2
    serve(app, settings)
    if app.state.services.engine.is_loading:  # an interpreter that ends while networks are loaded aborts
        logging.shutdown()
        os._exit(0)
    return 0


def _try_port(settings: Settings) -> None:
    """Raise OSError now, before anything is loaded, if nobody could listen there."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    socket.create_server((settings.host, settings.port), family=family).close()


def _allow_connections() -> None:
    """As many open files as the system grants: most begin with 1,024, as many as one client may have connections."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS grants less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then finish what was begun, and refuse what is new."""
    _allow_connections()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        forwarded_allow_ips=list(settings.trusted_proxies) or None,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=128,  # so many are taken in at once, beyond those of which the protocol closes some
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.upload_seconds + settings.deadline) + 1,
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("python -m service takes no arguments: `mpt serve --help` lists options, `mpt settings` all settings.")
    sys.exit(main())
