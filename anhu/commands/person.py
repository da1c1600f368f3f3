"""`anhu person …`: who is told and who may act, for a system without the page."""

import sys
from typing import Annotated

import typer

from alerting import channels as ways
from alerting import people_store
from alerting.channels import Poster, open_channels
from alerting.errors import AlertingError, ContactInvalid
from alerting.people import Person, Role
from alerting.settings import NotifySettings
from anhu.commands import place
from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect

app = typer.Typer(no_args_is_help=True, help="人员与联系方式。 People and how to reach them.")

By = Annotated[str, typer.Option(help="操作人姓名 / the name of the person who does this.")]


class PersonRefused(AlertingError):
    """This person cannot be."""


@app.command(
    "add",
    help="登记人员。 Add a person.",
    epilog="例 / for example: anhu person add 李值班 --role operator --institution sim-001 --by 王工",
)
def add(
    name: str,
    role: Annotated[Role, typer.Option(help="角色 / the role.")],
    by: By,
    institution: place.Institution = None,
    region: place.Region = "",
    language: Annotated[str, typer.Option(help="zh | en")] = "zh",
    data_dir: DataDir = None,
) -> None:
    """Print the new person's number."""
    with plain_errors(), database(data_dir) as url:
        if language not in ("zh", "en") or not 1 <= len(name) <= 100:
            raise PersonRefused(text("姓名 1–100 字，语言 zh 或 en", "a name of 1 to 100 letters, language zh or en"))
        with connect(url) as connection:
            scope = place.scope_of(connection, institution, region)
            who = people_store.save_person(connection, actor=f"cli:{by}", who=Person(0, name, role, scope, language))
        typer.echo(who.id)


@app.command(
    "list",
    help="列出人员；不显示地址。 List people, without their addresses.",
    epilog="例 / for example: anhu person list",
)
def show(data_dir: DataDir = None) -> None:
    """One line for each person."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        kinds: dict[int, list[str]] = {}
        for contact in people_store.contacts(connection):
            kinds.setdefault(contact.person_id, []).append(contact.channel)
        for person in people_store.persons(connection):
            scope = person.scope
            place = f"institution:{scope.institution_id}" if scope.institution_id else f"region:{scope.region or '*'}"
            state = "" if person.active else " inactive"
            reached = ",".join(kinds.get(person.id, ["-"]))
            typer.echo(f"{person.id}\t{person.name}\t{person.role}\t{place}\t{person.language}\t{reached}{state}")


@app.command(
    "contact",
    help="设置联系方式，按先后顺序，从标准输入读取，每行“渠道 地址”；地址因此不会留在命令历史里。 "
    "Set a person's contacts, in the order to be tried, read from standard input, one “channel address” a line; "
    "so no address stays in the shell's history.",
    epilog="例 / for example: anhu person contact 3 --by 王工 < contacts.txt",
)
def contact(person: int, by: By, data_dir: DataDir = None) -> None:
    """Check the lines and put them in place of the person's contacts."""
    with plain_errors():
        lines = [line.split(None, 1) for line in sys.stdin.read().splitlines() if line.strip()]
        settings = NotifySettings()
        poster = Poster(settings.send_s_max, settings.webhook_networks_allowed)
        try:
            known = open_channels(settings, poster)
            for number, line in enumerate(lines, start=1):
                if len(line) != 2:
                    raise ContactInvalid(
                        text(f"第 {number} 行应为“渠道 地址”", f"line {number} is not “channel address”")
                    )
                ways.check(known, line[0], line[1].strip())
        finally:
            poster.close()
        with database(data_dir) as url, connect(url) as connection:
            who = people_store.person(connection, person)
            if who is None:
                raise PersonRefused(text(f"没有人员 {person}", f"no person {person}"))
            pairs = [(channel, address.strip()) for channel, address in lines]
            people_store.replace_contacts(connection, actor=f"cli:{by}", who=who, ways=pairs)
        progress(text(f"已设置 {len(lines)} 个联系方式", f"{len(lines)} contacts set"))
