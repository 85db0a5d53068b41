"""What any web application needs; knows nothing of mentors or money rules."""
