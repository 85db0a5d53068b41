"""What the outside tells us: verify, store, answer 200, then work."""
