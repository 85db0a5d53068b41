"""The door through which Cal.com is called for a mentor: by their own key where they gave us one."""

from contextlib import AbstractContextManager

from discuno.edges import calcom
from discuno.mentors import calendars
from discuno.mentors.models import Mentor


def acting_for(mentor: Mentor) -> AbstractContextManager[None]:
    """Calls inside go by this mentor's key, or by the platform's; the key is read before anybody is called."""
    return calcom.acting_for(calendars.key_of(mentor))
