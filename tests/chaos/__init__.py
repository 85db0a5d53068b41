"""What happens when anything stops anywhere: failpoints, killed processes, and random lives of payments."""
