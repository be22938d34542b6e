"""The ways a message can leave: one module each, each with its ``EmailBackend``."""

from __future__ import annotations
