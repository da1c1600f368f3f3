"""Unit tests reach no network: everything they test is handed what it needs."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Refuse every socket but the Unix pairs that event loops are made of."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
