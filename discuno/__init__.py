"""Discuno payments: the booking and payment system of a mentor marketplace."""
