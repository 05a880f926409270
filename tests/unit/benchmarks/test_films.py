"""What a film costs, stage by stage."""

from benchmarks import films


def test_stages_are_functions_that_a_film_still_goes_through() -> None:
    assert all(callable(getattr(owner, name, None)) for owner, name, _ in films._STAGES)
