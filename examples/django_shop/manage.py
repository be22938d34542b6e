"""A small shop on Django whose mails are notifications of Aerogram.

python manage.py check                                      system checks, those of the mails among them
python manage.py test                                       the tests of the shop
python manage.py aerogram list                              the command of Aerogram
python manage.py migrate && python manage.py runserver      the shop; its mail is printed
"""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
