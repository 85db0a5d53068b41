"""What gunicorn and `flask --app wsgi` start."""

from discuno import create_app

app = create_app()
