"""Files: atomic writes, folder listings, JSON and safetensors."""
