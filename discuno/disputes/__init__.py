"""Somebody says that it went wrong: chargebacks, fraud warnings, reviews, and attendees' reports."""
