"""The HTML and CSS features that a mail uses, and the mail programs that support them (caniemail.com)."""
