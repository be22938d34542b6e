"""The ways a message can leave: one module each, each with its ``EmailBackend``."""

from __future__ import annotations

__all__ = [
    "base",
    "console",
    "django",
    "dummy",
    "failover",
    "filebased",
    "fuse",
    "locmem",
    "outbox",
    "redirect",
    "roundrobin",
    "smtp",
]
