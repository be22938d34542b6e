"""Mail backends: one module for each, with a class ``EmailBackend``."""

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
