"""`anhu tls …`: certificates of a house's own, for the embedded broker's door to the network and for the page."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from anhu import certificates
from anhu.certificates import Pair
from anhu.commands.ground import DataDir, progress
from anhu.data_folder import default_data_dir
from anhu.errors import CertificatesUnusable
from anhu.language import text
from anhu.plain_errors import plain_errors

FOLDER: Final = "tls"
AUTHORITY, AUTHORITY_KEY, SERVER, SERVER_KEY = "ca.pem", "ca.key", "server.pem", "server.key"

app = typer.Typer(
    no_args_is_help=True,
    help="局域网内自用的证书：MQTT 与网页的 TLS。 Certificates of a house's own, for TLS at the broker and the page.",
)


@app.command(
    help="建立自用的证书机构和服务器证书，显示机构证书的指纹，供网关核对。 "
    "Make an authority of one's own and a server's certificate; print the authority's fingerprint, for the gateways.",
    epilog="例 / for example: anhu tls init --name anhu.lan --name 192.168.1.20",
)
def init(
    name: Annotated[list[str], typer.Option(help="网关所用的主机名或 IP，可重复 / a host name or address; repeat it.")],
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="服务器证书有效天数 / how long the server's lasts.")
    ] = certificates.SERVER_DAYS,
    data_dir: DataDir = None,
) -> None:
    """Never over what is there: gateways would lose whom they trust."""
    with plain_errors():
        folder = _folder(data_dir)
        if (folder / AUTHORITY).exists():
            raise CertificatesUnusable(
                text(
                    f"{folder} 中已有证书机构；换新服务器证书请用 anhu tls renew。",
                    f"{folder} has an authority already; anhu tls renew makes a new server's certificate.",
                )
            )
        now = datetime.now(UTC)
        authority = certificates.make_authority(f"Anhu {name[0]} {now:%Y-%m-%d}"[:64], now)
        server = certificates.make_server(authority, name, now, days)
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        _write(folder, {AUTHORITY_KEY: authority.key, AUTHORITY: authority.certificate})
        _write(folder, {SERVER_KEY: server.key, SERVER: server.certificate})
        _tell(folder)


@app.command(
    help="用同一证书机构换新服务器证书（网关不必更改）；之后重启服务。 "
    "A new server's certificate by the same authority, so that gateways stay as they are; then restart the service.",
    epilog="例 / for example: anhu tls renew",
)
def renew(
    name: Annotated[
        list[str] | None,
        typer.Option(help="改用这些主机名或 IP / other names than before; repeat it.", show_default=False),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="有效天数 / how long it lasts.")
    ] = certificates.SERVER_DAYS,
    data_dir: DataDir = None,
) -> None:
    """For the names it had unless others are given."""
    with plain_errors():
        folder = _folder(data_dir)
        authority = Pair(_read(folder / AUTHORITY), _read(folder / AUTHORITY_KEY))
        names = name or list(certificates.describe(_read(folder / SERVER)).names)
        server = certificates.make_server(authority, names, datetime.now(UTC), days)
        _write(folder, {SERVER_KEY: server.key, SERVER: server.certificate})
        _tell(folder)


@app.command(
    help="显示机构证书的指纹、服务器证书的名称和到期日。 "
    "Print the authority's fingerprint, and the server's names and last day.",
    epilog="例 / for example: anhu tls show",
)
def show(data_dir: DataDir = None) -> None:
    """Keys are not shown."""
    with plain_errors():
        _tell(_folder(data_dir))


def _folder(data_dir: Path | None) -> Path:
    return (data_dir or default_data_dir(os.environ)) / FOLDER


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificatesUnusable(
            text(
                f"{path}：{error.strerror}（先运行 anhu tls init）",
                f"{path}: {error.strerror} (anhu tls init makes it)",
            )
        ) from error


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Keys for the owner alone; each file whole or not at all."""
    for name, content in files.items():
        draft = folder / f"{name}.new"
        draft.unlink(missing_ok=True)
        mode = 0o600 if name.endswith(".key") else 0o644
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(folder / name)
        except OSError as error:
            raise CertificatesUnusable(f"{folder / name}: {error.strerror}") from error


def _tell(folder: Path) -> None:
    authority, server = _read(folder / AUTHORITY), _read(folder / SERVER)
    about, of_server = certificates.describe(authority), certificates.describe(server)
    if not certificates.vouches(authority, server):
        raise CertificatesUnusable(
            text(f"{folder / SERVER} 不是由 {AUTHORITY} 签发的", f"{folder / SERVER} was not signed by {AUTHORITY}")
        )
    typer.echo(f"{folder / AUTHORITY}\tSHA-256 {about.fingerprint}\t{about.not_after:%Y-%m-%d}")
    typer.echo(f"{folder / SERVER}\t{', '.join(of_server.names)}\t{of_server.not_after:%Y-%m-%d}")
    progress(
        text(
            f"把 {AUTHORITY} 交给网关，并在网关上核对指纹。{AUTHORITY_KEY} 不要外传。",
            f"Give {AUTHORITY} to the gateways and compare the fingerprint there. {AUTHORITY_KEY} stays here.",
        )
    )
