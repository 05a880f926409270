"""Receivers that fail hold up nobody else, and are given up in the end."""

from __future__ import annotations

import pytest

from service.http import outbound
from service.jobs import webhooks
from service.jobs.webhooks import Webhooks
from service.settings import Settings
from tests.support.waiting import wait_for


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs of which somebody heard; "/dead" hears nothing."""
    jobs: list[str] = []

    def post(url: str, body: bytes, headers: dict[str, str], limits: outbound.Limits) -> None:
        if url == "/dead":
            raise outbound.BadAddress("It is dead.")
        jobs.append(headers["webhook-id"])

    monkeypatch.setattr(outbound, "post", post)
    return jobs


@pytest.fixture
def hooks() -> Webhooks:
    return Webhooks(Settings(webhook_secret="a-secret-that-is-long-enough"))


def test_the_dead_hold_up_nobody(hooks: Webhooks, heard: list[str]) -> None:
    for number in range(20):  # more than there are threads
        hooks.send("/dead", f"dead {number}", b"", lambda: pytest.fail("told before its last try"))
    told: list[bool] = []
    hooks.send("/alive", "alive", b"", lambda: told.append(True))
    wait_for(lambda: told == [True])
    hooks.stop()  # and not after the seconds of the next tries
    assert heard == ["alive"]


def test_the_dead_are_given_up(hooks: Webhooks, heard: list[str], monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setattr(webhooks, "RETRY_SECONDS", (0.01, 0.02))
    told: list[bool] = []
    hooks.send("/dead", "dead", b"", lambda: told.append(True))
    wait_for(lambda: told == [True])
    hooks.stop()
    assert heard == [] and caplog.text.count("was not heard: It is dead.") == 3
