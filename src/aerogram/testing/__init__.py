"""For tests of mail: an SMTP server that misbehaves as a test wants it."""

from __future__ import annotations

from aerogram.testing.faulty_server import FaultyServer
from aerogram.testing.smtp_script import Drip, Drop, Hang, Received

__all__ = ["Drip", "Drop", "FaultyServer", "Hang", "Received"]
