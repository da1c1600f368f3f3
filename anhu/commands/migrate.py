"""`anhu migrate`: bring the database's schema up to date."""

from typing import Final

from anhu.commands.ground import DataDir, progress, services
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import migrate

# In the order in which their tables refer to each other.
PACKAGES: Final = ("ingest", "alerting", "inspection", "dashboard")


def bring_up_to_date(database_url: str) -> int:
    """Apply what is missing, telling of each; how many were."""
    applied = migrate(database_url, PACKAGES)
    for migration in applied:
        progress(text(f"已应用 {migration.package}/{migration.name}", f"applied {migration.package}/{migration.name}"))
    return len(applied)


def command(data_dir: DataDir = None) -> None:
    """Apply every migration that is missing; safe to repeat, and by several processes at once."""
    with plain_errors(), services(data_dir) as around:
        if not bring_up_to_date(around.env["ANHU_DATABASE_URL"]):
            progress(text("数据库结构已是最新", "the schema is up to date"))
