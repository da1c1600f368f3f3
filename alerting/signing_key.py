"""The key that signs the ledger: a file of its own, readable by its owner only, and never in the database."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from alerting.errors import SigningKeyUnusable


def load_or_make(path: Path) -> Ed25519PrivateKey:
    """The key in `path`, drawn at the first call. Raises SigningKeyUnusable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load(path)
    except OSError as error:
        raise SigningKeyUnusable(f"{path}: {error}") from error
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load(path: Path) -> Ed25519PrivateKey:
    """The key in `path`. Raises SigningKeyUnusable."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise SigningKeyUnusable(f"{path}: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnusable(f"{path} holds no Ed25519 key")
    return key
