"""Money out: the connected account and the transfer to it."""
