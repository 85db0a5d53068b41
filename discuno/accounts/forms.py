"""What somebody types who wants to sign in."""

from discuno.kit.forms import Form, email_field


class SignInForm(Form):
    """Whose mailbox the link goes to."""

    email = email_field()
