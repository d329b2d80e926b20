"""Networks: architectures, their construction from a card, and trained weights."""
