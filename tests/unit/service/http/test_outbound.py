"""Calls to addresses that strangers name: only to public ones, and bounded."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from service.http import outbound
from service.http.outbound import BadAddress, Limits, fetch, is_public
from tests.support.web_server import Server, cut, endless, redirect, trickle, trickle_head, web_server, whole

PHOTO = b"\xff\xd8\xff photo"


@pytest.fixture
def server() -> Iterator[Server]:
    pages = {"/photo": PHOTO, "/trickle": trickle, "/head": trickle_head, "/endless": endless, "/cut": cut}
    pages |= {f"/{n}": redirect(f"/{n - 1}" if n > 1 else "/photo") for n in range(1, 6)}
    pages |= {"/inside": redirect("http://169.254.169.254/latest/meta-data"), "/file": redirect("file:///etc/passwd")}
    pages["/slow"] = lambda handler: (time.sleep(0.3), redirect("/slow")(handler))
    pages |= {"/error": lambda handler: whole(handler, b"", 503)}
    with web_server(pages) as server:
        yield server


def limits(server: Server, seconds: float = 5, max_bytes: int = 10_000) -> Limits:
    return Limits(seconds, max_bytes, (server.host,))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "168.63.129.16"),
        *("::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "::7f00:1"),
    ],
)
def test_addresses_that_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::6810:84e5", "64:ff9b::808:808"])
def test_addresses_that_are(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "begins with"),
        ("ftp://example.com/a", "begins with"),
        ("gopher://example.com/a", "begins with"),
        ("//example.com/a", "begins with"),
        ("http://", "begins with"),
        ("http:///a", "begins with"),
        ("nothing", "begins with"),
        ("http://[::1", "no URL"),
        ("http://example.com:port/", "no URL"),
        ("http://example.com:99999/", "no URL"),
        (f"http://{'a' * 64}.com/", "no URL"),
        ("http://user:secret@example.com/", "user or a password"),
        ("http://example.com:22/", "port of its own"),
        ("https://example.com:80/", "port of its own"),
        ("http://127.0.0.1/", "not public"),
        ("http://localhost/", "not public"),
        ("http://2130706433/", "not public"),
        ("http://0x7f.1/", "not public"),
        ("http://[::ffff:127.0.0.1]/", "not public"),
        ("http://169.254.169.254/latest/meta-data/", "not public"),
        ("http://no-such-host.invalid/", "no host"),
    ],
)
def test_what_is_never_called(url, words):
    with pytest.raises(BadAddress, match=words):
        fetch(url, Limits(5, 100))


def test_a_name_with_one_private_address_is_not_called(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(BadAddress, match="not public"):
        fetch("http://two-faced.example/", Limits(5, 100))


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: asked.wait(5) and [])
    start = time.monotonic()
    with pytest.raises(BadAddress, match=r"within 0\.2 seconds"):
        fetch("http://a.example/", Limits(0.2, 100))
    assert time.monotonic() - start < 3
    asked.set()


def test_redirects_share_one_time(server):
    start = time.monotonic()
    with pytest.raises(BadAddress, match=r"within 0\.5 seconds"):
        fetch(f"{server.url}/slow", limits(server, 0.5))
    assert time.monotonic() - start < 1.1


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """A name server that answers otherwise the second time is not asked a second time."""
    asked, called = [], []

    def resolve(host: str, port: int, **_: object) -> list:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address: tuple, *_: object, **__: object) -> None:
        called.append(address)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(BadAddress, match="did not answer"):
        fetch("http://rebinding.example/", Limits(5, 100))
    assert (asked, called) == (["rebinding.example"], [("93.184.216.34", 80)])


def test_a_page_is_fetched_by_its_own_name(server):
    assert fetch(f"{server.url}/photo", limits(server)) == PHOTO
    assert server.visits[0].headers["Host"] == server.host
    assert server.visits[0].headers["Accept-Encoding"] == "identity"


def test_three_redirects_are_followed_and_no_more(server):
    assert fetch(f"{server.url}/3", limits(server)) == PHOTO
    with pytest.raises(BadAddress, match="at most 3 redirects"):
        fetch(f"{server.url}/4", limits(server))


@pytest.mark.parametrize(("path", "words"), [("/inside", "not public"), ("/file", "begins with")])
def test_redirects_are_checked_like_the_first(server, path, words):
    with pytest.raises(BadAddress, match=words):
        fetch(server.url + path, limits(server))


@pytest.mark.parametrize(
    ("path", "words"),
    [("/nothing", "answered 404"), ("/error", "answered 503"), ("/cut", "broke off|did not answer")],
)
def test_what_is_not_there_or_not_whole(server, path, words):
    with pytest.raises(BadAddress, match=words):
        fetch(server.url + path, limits(server))


@pytest.mark.parametrize("path", ["/trickle", "/head"])
def test_who_trickles_is_cut_off(server, path):
    start = time.monotonic()
    with pytest.raises(BadAddress, match=r"within 0\.4 seconds"):
        fetch(server.url + path, limits(server, seconds=0.4))
    assert time.monotonic() - start < 5


def test_who_sends_too_much_is_cut_off(server):
    with pytest.raises(BadAddress, match="more than"):
        fetch(f"{server.url}/endless", limits(server, max_bytes=10**6))


def test_a_post_is_not_led_elsewhere(server):
    with pytest.raises(BadAddress, match="answered 302"):
        outbound.post(f"{server.url}/1", b"{}", {}, limits(server))
    assert [visit.path for visit in server.visits] == ["/1"]
    outbound.post(f"{server.url}/photo", b"{}", {"X-Signature": "s"}, limits(server))
    assert (server.visits[-1].method, server.visits[-1].body) == ("POST", b"{}")


def test_a_url_is_refused_before_it_is_called(server):
    for url in ("http://10.0.0.1/", "file:///x", "http://a.example:8080/"):
        with pytest.raises(BadAddress):
            outbound.check(url)
    outbound.check("https://a.example/hook?x=1")
    outbound.check(f"{server.url}/hook", (server.host,))
