"""`anhu ledger …`: is the record of alarms what it was."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer

from alerting import ledger_store
from alerting.ledger import Entry, Fault, Finding, verify
from alerting.signing_key import load
from anhu.commands.ground import DataDir, database, progress
from anhu.data_folder import default_data_dir
from anhu.language import text
from anhu.plain_errors import console, plain_errors
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="报警记录的防篡改账本。 The tamper-evident ledger of alarm records.")

Key = Annotated[
    Path | None,
    typer.Option(help="签名密钥文件，默认数据目录中的 ledger-key.pem / the signing key.", show_default=False),
]


@app.command(
    "verify",
    help="逐条核对账本，指出被修改、删除或插入的记录；有问题时退出码为 1。 "
    "Check every record against the chain and name what was changed, removed or inserted; exit code 1 if any was.",
    epilog="例 / for example: anhu ledger verify",
)
def verify_command(key: Key = None, data_dir: DataDir = None) -> None:
    """Print every fault, or that there is none."""
    with plain_errors():
        path = key or (data_dir or default_data_dir(os.environ)) / "ledger-key.pem"
        trusted = load(path).public_key().public_bytes_raw() if key or path.exists() else None
        if trusted is None:
            progress(text("没有签名密钥，只核对链条本身", "no signing key: only the chain itself is checked"))
        faults: list[Finding] = []
        checked = 0
        with database(data_dir) as url, connect(url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

            def counted() -> Iterator[Entry]:
                nonlocal checked
                for entry in ledger_store.entries(connection):
                    checked += 1
                    yield entry

            faults += verify(counted(), ledger_store.checkpoints(connection), trusted)
            for source, row_id in ledger_store.unchained(connection):
                faults.append(Finding(Fault.INSERTED, None, source, row_id, "the record is not in the chain"))
        for fault in faults:
            where = f"{fault.source} {fault.row_id if fault.row_id is not None else ''}".strip()
            console.print(f"{fault.fault}: no {fault.no} ({where}): {fault.detail}", style="red", markup=False)
        if faults:
            raise typer.Exit(1)
        progress(text(f"账本完好：{checked} 条记录", f"the ledger is whole: {checked} records"))


@app.command(
    "export",
    help="导出账本（JSON 行，含哈希和签名），供主管部门核对。 "
    "Export the ledger as JSON lines, hashes and signatures included.",
    epilog="例 / for example: anhu ledger export > ledger.jsonl",
)
def export(
    after: Annotated[int, typer.Option(min=0, help="从此编号之后 / after this number.")] = 0, data_dir: DataDir = None
) -> None:
    """Write one line an entry, then one a checkpoint."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for entry in ledger_store.entries(connection, after):
            _line({"no": entry.no, "source": entry.source, "record": entry.record, "hash": entry.hash.hex()})
        for point in ledger_store.checkpoints(connection):
            _line(
                {
                    "checkpoint": point.no, "hash": point.hash.hex(), "at": point.at,
                    "public_key": point.public_key.hex(), "signature": point.signature.hex(),
                }
            )  # fmt: skip


def _line(document: dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(document).decode() + "\n")
