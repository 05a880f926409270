"""Calibrated recordings of several cameras: what filmed, what was filmed, and where the person's joints truly were."""
