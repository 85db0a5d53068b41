"""Letters: what we tell people, once each."""
