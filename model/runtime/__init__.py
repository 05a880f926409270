"""What runs the networks: PyTorch or ONNX Runtime, and the export from one to the other."""
