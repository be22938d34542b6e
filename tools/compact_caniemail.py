"""Renew the data on what mail programs support: ``python tools/compact_caniemail.py VERSION``.

It packs the npm package ``caniemail`` (MIT) and keeps, of each feature, its title, the newest value for each
mail program, and the note of what is supported in part only.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src" / "aerogram" / "checks" / "clients"
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_NUMBER = re.compile(r"#(\d+)")


def compact(data: dict[str, Any], version: str) -> dict[str, Any]:
    """Return what the checks need of ``caniemail.json``."""
    names = data["nicenames"]
    clients = sorted(
        {f"{one}.{on}" for each in data["data"] for one in each["stats"] for on in each["stats"][one]}
    )
    titles = [
        f"{names['family'][family]} ({names['platform'][platform]})"
        for family, platform in (client.split(".") for client in clients)
    ]
    return {
        "source": f"npm package caniemail {version}, MIT licence, see LICENSE.caniemail",
        "updated": data["last_update_date"][:10],
        "clients": dict(zip(clients, titles, strict=True)),
        "features": {each["slug"]: _feature(each, clients) for each in data["data"]},
    }


def _feature(feature: dict[str, Any], clients: list[str]) -> list[Any]:
    """Return title, a letter for each client (y, n, a for partly, u for unknown), and the notes of partly."""
    letters, notes = "", {}
    for number, client in enumerate(clients):
        family, platform = client.split(".")
        versions = feature["stats"].get(family, {}).get(platform, {})
        newest = list(versions.values())[-1] if versions else "u"
        letters += newest[0]
        found = _NUMBER.findall(newest)
        text = (feature["notes_by_num"] or {}).get(found[0], "") if found and newest[0] == "a" else ""
        if text:
            notes.setdefault(_LINK.sub(r"\1", text), []).append(number)
    return [feature["title"], letters, notes]


def main(version: str) -> None:
    """Pack a version of the package, and write the data and its licence."""
    with tempfile.TemporaryDirectory() as folder:
        npm = shutil.which("npm") or "npm"
        command = [npm, "pack", f"caniemail@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
        with tarfile.open(Path(folder) / f"caniemail-{version}.tgz") as archive:
            data, licence = (
                archive.extractfile(f"package/{name}").read().decode()  # type: ignore[union-attr]  # both are files
                for name in ("data/caniemail.json", "LICENSE")
            )
    (TARGET / "caniemail.json").write_text(
        json.dumps(compact(json.loads(data), version), separators=(",", ":"), ensure_ascii=False) + "\n",
        "utf-8",
    )
    (TARGET / "LICENSE.caniemail").write_text(licence, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
