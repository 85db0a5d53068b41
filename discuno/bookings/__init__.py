"""A promised hour."""
