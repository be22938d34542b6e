"""Addresses: one strict parser, the mailbox as a value, and the envelope."""
