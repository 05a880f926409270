"""Tests of the page and of the service as its own process; a package, so that they share one browser and no more."""
