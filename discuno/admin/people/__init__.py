"""Who works here, whom we work for, what everybody has done, and how far visitors come."""
