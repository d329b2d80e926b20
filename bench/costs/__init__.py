"""Cost cards of networks: counts, memory, determinism, ONNX export."""
