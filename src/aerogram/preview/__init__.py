"""Previews: every sample of every notification as files and on one page."""

from __future__ import annotations

from aerogram.preview.disk import write_previews

__all__ = ["write_previews"]
