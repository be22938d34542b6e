"""The database of the outbox: tables, engines, and the transactions of callers."""
