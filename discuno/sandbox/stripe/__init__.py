"""Stripe's HTTP interface with a memory: enough of it to take a payment and pass it on."""
