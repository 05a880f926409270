"""Networks behind the service: loading, batches, cancellation."""
