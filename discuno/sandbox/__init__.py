"""Local stand-ins that speak the vendors' HTTP, for machines with no accounts and no network."""
