"""Money as admins see it: payments and their levers, transfers, revenue."""
