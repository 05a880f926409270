"""What the service counts, for Prometheus to fetch at /metrics: rate, errors, latency by stage, queue, batches, meshes.

Counts are those of this process; several replicas are several targets, and Prometheus adds them up.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter("mpt_requests", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "mpt_request_seconds", "From a request's first byte to its answer's last.", ["route"], buckets=_SECONDS
)
IN_FLIGHT = Gauge("mpt_requests_in_flight", "Requests whose answer is not complete.")
STAGE_SECONDS = Histogram(
    "mpt_stage_seconds",
    "One photo's time in a stage: queue, decode, detection, reconstruction, meshes.",
    ["stage"],
    buckets=_SECONDS,
)
QUEUE = Gauge("mpt_queue_photos", "Photos that wait for their turn.")
WORKING = Gauge("mpt_working_photos", "Photos that are worked on.")
BATCH_PEOPLE = Histogram("mpt_batch_people", "People in one pass of the network.", buckets=(1, 2, 4, 8, 16, 32, 64))
STORED = Gauge("mpt_stored_files", "Files in the store: a mesh for each person, and a scene for each photo.")
STORED_BYTES = Gauge("mpt_stored_bytes", "Bytes in the store.")
READY = Gauge("mpt_ready", "1 once photos can be reconstructed, else 0.")
