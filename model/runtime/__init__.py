"""What runs the networks: PyTorch or ONNX Runtime, and the export from one to the other."""

import os

# Its wheels report to Microsoft from the moment that they are imported, and keep an id of the machine; who looks at
# people's photos reports nothing. Whoever wants it sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
