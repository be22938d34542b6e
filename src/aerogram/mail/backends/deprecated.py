"""Names that older programs use."""

from __future__ import annotations

import warnings
from typing import Any

from aerogram.mail.backends.smtp import EmailBackend

__all__ = ["SMTPConnection"]


class SMTPConnection(EmailBackend):
    """The SMTP backend under the name it had before Django 1.2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "SMTPConnection is deprecated; use aerogram.mail.get_connection() instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)
