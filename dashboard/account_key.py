"""The key that seals what an account's secrets are in the database: a file of its own, readable by its owner only.

Who reads the database, or a backup of it, has nothing without this file. Dashboards on several machines need the
same one.
"""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dashboard.errors import AccountKeyUnusable

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class AccountKey:
    """AES-256-GCM (NIST SP 800-38D) with the key in `path`, which is drawn when something is sealed for the first time.

    What is sealed is bound to its `purpose`, a text that says whose secret of what kind it is: moved to another row of
    the database it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cipher: AESGCM | None = None

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Nonce and ciphertext. Raises AccountKeyUnusable."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._loaded(make=True).encrypt(nonce, secret, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed. Raises AccountKeyUnusable for what another key has sealed, or for another purpose."""
        try:
            return self._loaded(make=False).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            raise AccountKeyUnusable(f"what is in the database was not sealed with the key in {self._path}") from None

    def _loaded(self, *, make: bool) -> AESGCM:
        if self._cipher is None:
            if make:
                _make(self._path)
            self._cipher = AESGCM(_load(self._path))
        return self._cipher


def _make(path: Path) -> None:
    """Draw a key unless there is one. Whole or not at all: two processes may begin at the same moment."""
    if path.exists():
        return
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            pass  # another process was faster: its key counts
        finally:
            beside.unlink()
    except OSError as error:
        raise AccountKeyUnusable(f"{path}: {error}") from error


def _load(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise AccountKeyUnusable(f"{path}: {error}") from error
    if len(key) != _KEY_BYTES:
        raise AccountKeyUnusable(f"{path} holds no key of {_KEY_BYTES} bytes")
    return key
