"""Publication on the Hugging Face hub: Spaces and model repositories."""
