"""The local run: the supervisor, the embedded servers, the set-up."""
