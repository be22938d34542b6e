"""What mail programs support, by the data of caniemail.com, and what of it a mail uses."""
