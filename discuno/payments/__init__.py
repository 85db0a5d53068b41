"""Money in: checkout, payment, refund."""
