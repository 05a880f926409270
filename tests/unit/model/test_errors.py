"""Words of errors are safe to show."""

from __future__ import annotations

import pytest

from model.errors import BadInput, in_short, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Müller 全身 [1].jpg", "Müller 全身 [1].jpg"),
        ("one\ntwo", "one\ntwo"),
        ("\x1b[2Jgone\r\x07", "\\x1b[2Jgone\\r\\x07"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),  # would turn what follows round
        ("\udcff.jpg", "\\udcff.jpg"),  # a byte that is no UTF-8
    ],
)
def test_control_characters_become_escapes(text, shown):
    assert printable(text) == str(BadInput(text)) == shown


def test_what_goes_on_for_pages_is_told_in_a_line():
    assert in_short(ValueError("one\n\ttwo")) == "one two"
    long = in_short(RuntimeError("Missing key(s):\n" + ", ".join(f'"lift.{i}.weight"' for i in range(200))))
    assert long.startswith("Missing key(s): ") and long.endswith('.weight", ...') and len(long) <= 204
