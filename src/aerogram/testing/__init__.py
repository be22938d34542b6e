"""What tests of mail need: an SMTP server that can be told to misbehave."""

from __future__ import annotations

from aerogram.testing.faulty_server import FaultyServer
from aerogram.testing.smtp_script import Drip, Drop, Hang, Received

__all__ = ["Drip", "Drop", "FaultyServer", "Hang", "Received"]
