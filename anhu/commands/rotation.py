"""`anhu rotation …`: who is on duty and who stands in, for a system without the page."""

import getpass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final

import typer

from alerting import oncall, oncall_store
from alerting.errors import RotationRefused
from alerting.escalation import CHINA
from alerting.oncall import Found, Rotation, StandIn, Turn
from alerting.people import Role
from anhu.commands import place
from anhu.commands.ground import DataDir, database, progress
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import Connection, connect

app = typer.Typer(no_args_is_help=True, help="值班表与替班。 Who is on duty, and who stands in.")

DAYS_MAX: Final = 31
RoleOption = Annotated[Role, typer.Option("--role", help="角色 / the role.")]
By = Annotated[str | None, typer.Option(help="操作人姓名 / the name of the person who does this.", show_default=False)]
_FORMATS: Final = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


@app.command(
    "list",
    help="列出值班表、替班和近几天谁值班。 List rotations, stand-ins, and who is on duty in the coming days.",
    epilog="例 / for example: anhu rotation list --days 7",
)
def list_command(
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="天数 / how many days.")] = 7, data_dir: DataDir = None
) -> None:
    """A line for each rotation, and one for each of its turns."""
    now = datetime.now(UTC)
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        roster = oncall_store.roster(connection, now)
        for each in roster.rotations:
            _print_rotation(connection, each)
            for turn in oncall.timetable(roster, each, now, now + timedelta(days=days)):
                typer.echo(f"    {_clock(turn.from_at)} – {_clock(turn.until_at)}  {_standing(turn)}")
        for one in roster.stand_ins:
            absent, other = roster.persons[one.absent_id].name, roster.persons[one.stand_in_id].name
            span = f"{_clock(one.from_at)} – {_clock(one.until_at)}"
            typer.echo(
                text(f"替班 {one.id}  {other} 替 {absent}", f"stand-in {one.id}  {other} for {absent}") + f"  {span}"
            )


@app.command(
    help="现在谁值班。 Who is on duty now.",
    epilog="例 / for example: anhu rotation now --institution sim-001 --role operator",
)
def now(
    role: Annotated[Role | None, typer.Option(help="只看一个角色 / one role only.", show_default=False)] = None,
    institution: place.Institution = None,
    region: place.Region = "",
    data_dir: DataDir = None,
) -> None:
    """One line a rotation: the place, the role, the person and until when."""
    at = datetime.now(UTC)
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        scope = place.scope_of(connection, institution, region) if institution or region else None
        roster = oncall_store.roster(connection, at)
        for each in roster.rotations:
            if role in (None, each.role) and scope in (None, each.scope):
                [turn, *_] = oncall.timetable(roster, each, at, at + timedelta(days=1))
                until = _clock(turn.until_at)
                typer.echo(f"{place.name_of(connection, each.scope)}\t{each.role}\t{_standing(turn)}\t– {until}")


@app.command(
    "set",
    help="启用一份值班表。已有一份时须用 --replaces 写明它的编号，别人刚改过的不会被覆盖。 "
    "Put a rotation in use. Where there is one, --replaces names its number, so that nobody's edit is overwritten.",
    epilog="例 / for example: anhu rotation set --institution sim-001 --role operator --members 3,4,5 "
    "--starts 08:00,20:00 --by 王工",
)
def set_command(
    role: RoleOption,
    members: Annotated[
        str, typer.Option(help="人员编号，按轮换顺序，逗号分隔 / persons' numbers in turn, comma-separated.")
    ],
    starts: Annotated[str, typer.Option(help="每班开始时刻（北京时间） / when shifts begin, China time.")] = "08:00",
    shifts: Annotated[int, typer.Option(min=1, max=400, help="每人连值几班 / shifts in one turn.")] = 1,
    anchor: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="第一位从哪天开始，默认今天 / the first one's first day.", show_default=False
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="名称 / its name.")] = "值班",
    replaces: Annotated[
        int | None, typer.Option(help="被替换的值班表编号 / the rotation it replaces.", show_default=False)
    ] = None,
    institution: place.Institution = None,
    region: place.Region = "",
    by: By = None,
    data_dir: DataDir = None,
) -> None:
    """Print the new rotation's number."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        scope = place.scope_of(connection, institution, region)
        first = anchor.date() if anchor else datetime.now(CHINA).date()
        try:
            numbers = tuple(int(each) for each in members.split(","))
            clocks = tuple(sorted({time.fromisoformat(each.strip()) for each in starts.split(",")}))
            wanted = Rotation(0, name[:100], role, scope, numbers, first, clocks, shifts)
        except ValueError as error:
            raise RotationRefused(str(error)) from error
        number = oncall_store.put_rotation(connection, wanted, replaces=replaces, actor=_actor(by))
        typer.echo(number)


@app.command(
    help="停用一份值班表：之后通知该角色的全部人员。 Use a rotation no longer: everybody of the role is told.",
    epilog="例 / for example: anhu rotation end 3 --by 王工",
)
def end(number: int, by: By = None, data_dir: DataDir = None) -> None:
    """End it at once."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        oncall_store.end_rotation(connection, number, actor=_actor(by))
        progress(text(f"值班表 {number} 已停用", f"rotation {number} is no longer in use"))


@app.command(
    "stand-in",
    help="安排替班：这段时间里，通知替班人而不是本人（北京时间）。 "
    "Let somebody be told in another's place from–until, China time.",
    epilog='例 / for example: anhu rotation stand-in --absent 3 --stand-in 4 --from "2026-12-01 08:00" '
    '--until "2026-12-02 08:00" --by 王工',
)
def stand_in(
    absent: Annotated[int, typer.Option(help="本人编号 / who is absent.")],
    other: Annotated[int, typer.Option("--stand-in", help="替班人编号 / who stands in.")],
    until: Annotated[
        datetime, typer.Option(formats=_FORMATS, metavar="TIME", help="到何时，北京时间 / until when, China time.")
    ],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=_FORMATS, metavar="TIME", help="从何时，默认现在 / from when.", show_default=False
        ),
    ] = None,
    by: By = None,
    data_dir: DataDir = None,
) -> None:
    """Print the stand-in's number; without --from it begins now."""
    at = datetime.now(UTC)
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        from_at = since.replace(tzinfo=CHINA) if since else at
        wanted = StandIn(0, absent, other, from_at, until.replace(tzinfo=CHINA))
        typer.echo(oncall_store.add_stand_in(connection, wanted, actor=_actor(by), now=at))


@app.command(
    "end-stand-in",
    help="取消替班，恢复通知本人。 Call a stand-in off.",
    epilog="例 / for example: anhu rotation end-stand-in 2 --by 王工",
)
def end_stand_in(number: int, by: By = None, data_dir: DataDir = None) -> None:
    """End it at once."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        oncall_store.end_stand_in(connection, number, actor=_actor(by), now=datetime.now(UTC))
        progress(text(f"替班 {number} 已取消", f"stand-in {number} is called off"))


def _actor(by: str | None) -> str:
    return f"cli:{(by or getpass.getuser())[:200]}"


def _print_rotation(connection: Connection, each: Rotation) -> None:
    clocks = ",".join(start.isoformat("minutes") for start in each.starts)
    members = ",".join(map(str, each.members))
    where = place.name_of(connection, each.scope)
    typer.echo(f"{each.id}\t{each.name}\t{where}\t{each.role}\t{members}\t{clocks} × {each.shifts_per_turn}")


def _standing(turn: Turn) -> str:
    person, instead = turn.standing.person, turn.standing.in_place_of
    if person is None:
        return text("无人可通知，改为通知该角色全部人员", "nobody can be told: everybody of the role is")
    told = f"{person.id} {person.name}"
    if instead is not None:
        told += text(f"（替 {instead.name}）", f" (for {instead.name})")
    if turn.standing.found is Found.NEXT_MEMBER:
        told += text("（本班人员不可用，顺延）", " (next in turn: whoever's turn it is cannot be told)")
    return told


def _clock(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%m-%d %H:%M")
