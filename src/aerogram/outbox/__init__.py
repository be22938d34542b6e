"""The outbox: mail that is committed to a database before anything is sent."""
