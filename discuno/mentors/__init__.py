"""Who can be booked, for what, at what price, and when."""
