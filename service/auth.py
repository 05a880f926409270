"""Who may ask, and how often: API keys, where the operator set some, and a limit of the rate, where there is one."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer

from service.settings import Settings

# For OpenAPI only; `Guarded` checks, before a byte of the body is read.
OPENAPI_SECURITY = [
    Security(APIKeyHeader(name="X-API-Key", scheme_name="key", auto_error=False)),
    Security(HTTPBearer(scheme_name="bearer", auto_error=False)),
]


class Guarded(APIRoute):
    """A route that asks for a key, as `X-API-Key: KEY` or `Authorization: Bearer KEY`, if the settings have any.

    What costs work, a POST, also takes a token of the client's.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            settings: Settings = request.app.state.services.settings
            if settings.api_keys and not _is_known(_key(request), settings):
                raise HTTPException(
                    401,
                    "This needs a key: send it as X-API-Key, or as Authorization: Bearer. The operator gives them out.",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            if request.method == "POST":
                seconds = request.app.state.services.rate.take(client_of(request))
                if seconds:
                    detail = f"Too many requests: {settings.rate_limit:g} a minute are accepted. Wait {seconds} s."
                    raise HTTPException(429, detail, headers={"Retry-After": str(seconds)})
            return await handler(request)

        return handle


def client_of(request: Request) -> str:
    """Whose tokens and places a request takes: its key's, or, where there are no keys, its address's.

    Of IPv6 that is the network of 64 bits, which is what one subscriber has: else each had any number of addresses.
    """
    if request.app.state.services.settings.api_keys:
        return _key(request)
    host = request.client.host if request.client else ""
    with contextlib.suppress(ValueError):
        address = ipaddress.IPv6Address(host)
        return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return host


def _key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")


def _is_known(key: str, settings: Settings) -> bool:
    # Every key is compared, each in constant time: how long it takes says nothing about how close a guess was.
    given = key.encode()
    return sum(hmac.compare_digest(given, known.get_secret_value().encode()) for known in settings.api_keys) > 0
