"""Log lines for people or for programs, each with the id of the request that it belongs to."""

from __future__ import annotations

import json
import logging
import re
import secrets
from contextvars import ContextVar
from datetime import datetime, timezone

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request under way; "-" outside of one. Threads that a request starts by anyio inherit it."""

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(proposed: str | None) -> str:
    """The id that the client or a proxy proposes, if it can do no harm in a log; else a new one."""
    if proposed is not None and _ACCEPTABLE.fullmatch(proposed):
        return proposed
    return secrets.token_hex(8)


def set_up(level: str, format: str) -> None:
    """Write every log line of the process to standard error.

    Args:
        level: The least severe level to write, such as "info".
        format: "text", or "json" for one JSON object a line.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_add_request_id)
    if format == "json":
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True  # service.http.request_log writes a better line


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = REQUEST_ID.get()
    return True


class _JsonFormatter(logging.Formatter):
    """What a caller passes as extra={"fields": {...}} stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)
