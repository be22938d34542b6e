"""Mails to look at before anybody gets them: every sample of every notification, on disk."""

from __future__ import annotations

from aerogram.preview.disk import write_previews

__all__ = ["write_previews"]
