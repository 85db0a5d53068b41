"""Letters, events, work and alerts: what came of each, and doing it again."""
