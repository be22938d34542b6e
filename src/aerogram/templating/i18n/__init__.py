"""Locales: which one a message has, numbers and dates written for it, and translations."""
