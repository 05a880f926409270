"""Requests that the service makes to addresses which strangers name: to public ones only, bounded in size and time.

A name is resolved once, every address that it has is checked, and the connection goes to one of these, so that no
second answer of a name server can lead elsewhere. Proxies of the environment are not used.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from typing_extensions import Self

from model.errors import BadInput

REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_AZURE = ipaddress.IPv4Address("168.63.129.16")  # a virtual machine's host, though the address is a public one
_CHUNK = 2**16
_SAFE = "%/:=&?~+!$,;'@()*[]-._"


class BadAddress(BadInput):
    """A URL that the service does not call, or that did not give what it should."""


@dataclass(frozen=True)
class Limits:
    """What one call may cost, and where it may go."""

    seconds: float
    """From the name's look-up to the last byte, with all redirects."""
    max_bytes: int
    """Of the answer's body."""
    hosts: tuple[str, ...] = ()
    """Hosts, or host:port, that may be called although their addresses are private."""


def fetch(url: str, limits: Limits) -> bytes:
    """The body under a URL; up to three redirects are followed, each checked like the first.

    Raises:
        BadAddress: It is no public http or https address, does not answer in time with 200, or sends too much.
    """
    end = time.monotonic() + limits.seconds
    for _ in range(REDIRECTS + 1):
        with _answer("GET", url, b"", {"Accept": "image/*", "Accept-Encoding": "identity"}, limits, end) as answer:
            location = answer.headers.get("Location")
            if answer.status in (301, 302, 303, 307, 308) and location:
                url = urljoin(url, location)
                continue
            if answer.status != 200:
                raise BadAddress(f"The server of this URL answered {answer.status}, not 200.")
            return _body(answer, limits)
    raise BadAddress(f"This URL leads on and on: at most {REDIRECTS} redirects are followed.")


def post(url: str, body: bytes, headers: Mapping[str, str], limits: Limits) -> None:
    """Send a body to a URL, which is to answer 2xx; redirects are not followed.

    Raises:
        BadAddress: It is no public http or https address, or did not answer 2xx in time.
    """
    with _answer("POST", url, body, headers, limits, time.monotonic() + limits.seconds) as answer:
        if not 200 <= answer.status < 300:
            raise BadAddress(f"The server of this URL answered {answer.status}, not 2xx.")


def check(url: str, hosts: tuple[str, ...] = ()) -> None:
    """See whether a URL could be called, without asking a name server.

    Raises:
        BadAddress: It is no http or https URL, or names a port of its own, a user, or a private address.
    """
    host, port, _ = _parts(url, hosts)
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        if not _is_exempt(host, port, hosts) and not is_public(address):
            raise _private(host)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of the open internet, and so is the one that it embeds, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is not None:
            return is_public(embedded)
        if address.teredo is not None:
            return False
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address == _AZURE
    return address.is_global and not odd


def _parts(url: str, hosts: tuple[str, ...]) -> tuple[str, int, str]:
    """Host, port and scheme.

    Raises:
        BadAddress: Not a URL that is called.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        host.encode("idna")
    except ValueError:
        raise BadAddress("This is no URL.") from None
    if parts.scheme not in _PORTS or not host:
        raise BadAddress("A URL begins with https:// or http:// and a host.")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("A URL with a user or a password in it is not called.")
    if port != _PORTS[parts.scheme] and not _is_exempt(host, port, hosts):
        raise BadAddress("A URL that names a port of its own is not called, unless the operator allows it.")
    return host, port, parts.scheme


def _is_exempt(host: str, port: int, hosts: tuple[str, ...]) -> bool:
    return host in hosts or f"{host}:{port}" in hosts


def _private(host: str) -> BadAddress:
    return BadAddress(f"{host[:100]} has an address that is not public, and is not called.")


def _addresses(host: str, port: int, hosts: tuple[str, ...], end: float) -> list[str]:
    addresses = _looked_up(host, port, end)
    if not _is_exempt(host, port, hosts):
        for address in addresses:
            if not is_public(ipaddress.ip_address(address.split("%")[0])):
                raise _private(host)
    return addresses


def _looked_up(host: str, port: int, end: float) -> list[str]:
    """All addresses of a name. The system's resolver knows no time limit, and is left behind in a thread of its own.

    Raises:
        TimeoutError: It takes too long.
    """
    found: Future[list[str]] = Future()

    def work() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found.set_exception(BadAddress(f"There is no host {host[:100]}."))
        else:
            found.set_result([str(entry[4][0]) for entry in entries])

    threading.Thread(target=work, name="look-up", daemon=True).start()
    try:
        return found.result(max(0.0, end - time.monotonic()))
    except FutureTimeout:  # not yet the built-in one in Python 3.10
        raise TimeoutError from None


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, whatever the host's name is by then; cut after so many seconds.

    Timeouts of sockets are for one packet: who sends a byte now and then would never exceed them.
    """

    def __init__(self, host: str, port: int, scheme: str, address: str, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self.default_port = _PORTS[scheme]
        self._address, self._secure = address, scheme == "https"
        self._open: socket.socket | None = None
        self.is_cut = False
        self._end = threading.Timer(seconds, self.cut)
        self._end.daemon = True

    def __enter__(self) -> Self:
        self._end.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.cancel()
        self.close()

    def connect(self) -> None:
        self._open = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._open
        if self._secure:
            self._open = self.sock = ssl.create_default_context().wrap_socket(self._open, server_hostname=self.host)

    def cut(self) -> None:
        """End the connection from another thread; what waits for it comes to an end."""
        self.is_cut = True
        if self._open is not None:  # `sock` is None by now, if the server said that it would close
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._open, socket.SHUT_RDWR)


@contextlib.contextmanager
def _answer(
    method: str, url: str, body: bytes, headers: Mapping[str, str], limits: Limits, end: float
) -> Iterator[http.client.HTTPResponse]:
    host, port, scheme = _parts(url, limits.hosts)
    parts = urlsplit(url)
    path = quote(parts.path or "/", _SAFE) + (f"?{quote(parts.query, _SAFE)}" if parts.query else "")
    try:
        address = _addresses(host, port, limits.hosts, end)[0]
        with _Pinned(host, port, scheme, address, max(0.001, end - time.monotonic())) as connection:
            connection.request(method, path, body or None, {"User-Agent": "mpt", **headers})
            yield connection.getresponse()
            if connection.is_cut:  # the body's end was not its own
                raise OSError
    except BadAddress:
        raise
    except (OSError, ValueError, http.client.HTTPException):
        raise BadAddress(f"{host[:100]} did not answer as it should within {limits.seconds:g} seconds.") from None


def _body(answer: http.client.HTTPResponse, limits: Limits) -> bytes:
    data = bytearray()
    while chunk := answer.read1(_CHUNK):
        data += chunk
        if len(data) > limits.max_bytes:
            raise BadAddress(f"This URL gives more than the {limits.max_bytes / 2**20:.0f} MiB that are accepted.")
    declared = answer.headers.get("Content-Length", "")
    if declared.isdecimal() and len(declared) < 18 and int(declared) != len(data):
        raise BadAddress("This URL's server broke off before its answer was complete.")
    return bytes(data)
