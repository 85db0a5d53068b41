"""Our books beside Stripe's: the checks, the nightly comparison, and what differs."""
