"""Numbers and devices on command lines."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

import pytest

from training.arguments import add_device, real, whole


def test_numbers_within_their_bounds_are_read():
    assert [whole()("1"), whole(0, 18)("18"), whole(0)("0")] == [1, 18, 0]
    assert [real(0.1, 10)("0.1"), real(0.1, 10)("1e1")] == [0.1, 10.0]


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (whole(), "0", "at least 1, not 0"),
        (whole(0, 18), "19", "from 0 to 18, not 19"),
        (whole(), "1.5", "no whole number"),
        (whole(), "", "no whole number"),
        (real(1, 9), "nan", "from 1 to 9, not nan"),
        (real(1, 9), "inf", "from 1 to 9, not inf"),
        (real(1, 9), "one", "no number"),
    ],
)
def test_others_are_refused(parse, text, words):
    with pytest.raises(ArgumentTypeError, match=words):
        parse(text)


@pytest.mark.parametrize("device", ["cup", "cuda:99", "privateuseone"])
def test_a_device_that_is_not_there_is_refused_before_anything_begins(device, capsys):
    parser = ArgumentParser()
    add_device(parser)
    assert parser.parse_args(["--device", "cpu"]).device == "cpu"
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--device", device])
    assert ended.value.code == 2 and f"--device: {device} cannot be used here" in capsys.readouterr().err
