"""Two mentors for tests: free at every hour of every day, so that no test depends on the weekday it runs on."""

from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

AMARA: dict[str, Any] = {
    "username": "amara",
    "name": "Amara Okafor",
    "email": "amara@discuno.example",
    "headline": "MIT",
    "bio": "Bring a draft.",
    "topics": ["Essays"],
    "zone": "America/New_York",
    "hours": {day: ["00:00-23:30"] for day in WEEKDAYS},
    "types": [
        {"title": "Application review", "description": "Line by line.", "minutes": 45, "price": 6000},
        {"title": "First hello", "description": "Do we fit?", "minutes": 15, "price": 0},
    ],
}

OWEN: dict[str, Any] = {
    **AMARA,
    "username": "owen",
    "name": "Owen Hughes",
    "email": "owen@discuno.example",
    "zone": "Europe/London",
    "calendar": "calcom",
    "types": [
        {
            "title": "Oxbridge interview",
            "description": "Practice.",
            "minutes": 60,
            "price": 7000,
            "currency": "gbp",
        },
        {"title": "First hello", "description": "Do we fit?", "minutes": 30, "price": 0, "currency": "gbp"},
    ],
}
