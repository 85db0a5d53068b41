"""Disputes as admins work on them: the queue, the case, its story, the decision."""
