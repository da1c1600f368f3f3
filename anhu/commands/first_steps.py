"""`anhu first-steps …`: how far an installation has got, and adding places one at a time, for a system without the
page."""

from typing import Annotated, Final

import typer

from alerting import claiming, first_steps, first_steps_store
from alerting.first_steps import Facts, Missing, Standing, Step
from anhu import broker_access
from anhu.commands import place
from anhu.commands.ground import DataDir, database, progress
from anhu.errors import FirstStepsIncomplete
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect
from ingest.place import NewInstitution, NewZone
from ingest.routes import PREFIX

app = typer.Typer(
    no_args_is_help=True, help="接入步骤：从空系统到第一台设备上报。 First steps, to a first device that reports."
)

By = Annotated[str, typer.Option(help="操作人姓名 / the name of the person who does this.")]
NameEn = Annotated[str, typer.Option(help="英文名 / the name in English.", show_default=False)]
_STEPS: Final = {
    Step.INSTITUTION: ("添加机构", "add an institution"),
    Step.ZONES: ("添加区域（房间）", "add zones (rooms)"),
    Step.CONNECT: ("接通网关，收到第一条报文", "connect the gateway and hear a first message"),
    Step.DEVICE: ("登记设备，保存读数", "register the device, so that its readings are kept"),
    Step.ALARM: ("发送测试报警", "send a test alarm"),
    Step.PEOPLE: ("登记人员和联系方式", "add people and how to reach them"),
}
_MISSING: Final = {
    Missing.NO_INSTITUTION: ("anhu first-steps institution CODE NAME --kind other --region 220322 --by NAME",) * 2,
    Missing.NO_ZONE: ("anhu first-steps zone {code} CODE NAME --kind kitchen --by NAME",) * 2,
    Missing.NOTHING_HEARD: (
        "还没有收到报文。先 anhu broker sync 得到账户 {user}，再发布到 {topic}设备/readings",
        "nothing heard yet. anhu broker sync gives the account {user}; publish to {topic}DEVICE/readings",
    ),
    Missing.REFUSED: ("收到的报文不能识别：{refused}", "a message came and could not be read: {refused}"),
    Missing.STRANGER: (
        "收到的报文写的是未登记的机构 {stranger}：请检查主题",
        "a message came for {stranger}, which is not registered: check the topic",
    ),
    Missing.NOT_REGISTERED: (
        "有 {heard} 台设备在上报而未登记：在机构页登记，或 anhu registry import",
        "{heard} devices report unregistered: register them on the institution's page, or by anhu registry import",
    ),
    Missing.SILENT: ("设备已登记，还没有读数", "registered, and no reading yet"),
    Missing.NOT_TRIED: ("在页面“接入步骤”中发送", "send one on the page First steps"),
    Missing.UNDER_WAY: ("测试报警已发出，打开值班页面即可看到", "it is under way: open the duty desk to see it"),
    Missing.NOT_SHOWN: (
        "测试报警没有显示到任何页面：打开值班页面再发一次",
        "no page has shown it: open the duty desk and send it again",
    ),
    Missing.NOBODY: (
        "anhu person add NAME --role operator --institution {code} --by NAME",
        "anhu person add NAME --role operator --institution {code} --by NAME",
    ),
    Missing.NO_CONTACT: (
        "没有人有联系方式：anhu person contact 编号 --by NAME",
        "nobody has a contact: anhu person contact NUMBER --by NAME",
    ),
}  # fmt: skip


@app.command(
    "show",
    help="显示每一步是否完成、还缺什么；全部完成时退出码为 0，否则为 1。 "
    "Say which steps are done and what is missing; ends with 0 when all are, with 1 otherwise.",
    epilog="例 / for example: anhu first-steps show --institution anhe",
)
def show(institution: place.Institution = None, data_dir: DataDir = None) -> None:
    """One line a step."""
    with plain_errors():
        with database(data_dir) as url, connect(url) as connection:
            number = place.scope_of(connection, institution, "").institution_id
            if number is None:
                number = first_steps_store.newest_institution(connection, None)
            facts = first_steps_store.facts(connection, number, everywhere=True)
        standings = first_steps.standings(facts)
        if facts.institution:
            typer.echo(f"{facts.institution.name} ({facts.institution.code})")
        for each in standings:
            typer.echo(_line(each, facts))
        if not first_steps.complete(standings):
            raise FirstStepsIncomplete


@app.command(
    "institution",
    help="添加一个机构。 Add an institution.",
    epilog="例 / for example: anhu first-steps institution anhe 安和院 --kind nursing_home --region 220322 --by 王工",
)
def institution(
    code: str,
    name: str,
    kind: Annotated[str, typer.Option(help="nursing_home | rescue_station | child_welfare | other")],
    region: Annotated[str, typer.Option(help="县级行政区划代码 / its county's code, GB/T 2260.")],
    by: By,
    name_en: NameEn = "",
    data_dir: DataDir = None,
) -> None:
    """Print its number."""
    wanted = NewInstitution(code, name, kind, region, name_en)
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        typer.echo(claiming.add_institution(connection, wanted, f"cli:{by}"))


@app.command(
    "zone",
    help="为机构添加一个区域（房间、厨房、走廊…）。 Add a zone to an institution.",
    epilog='例 / for example: anhu first-steps zone anhe kitchen 厨房 --kind kitchen --floor 1 --by "王工"',
)
def zone(
    institution: str,
    code: str,
    name: str,
    kind: Annotated[str, typer.Option(help="bedroom | kitchen | corridor | dining | activity | …")],
    by: By,
    floor: Annotated[int, typer.Option(help="楼层 / the floor.")] = 1,
    name_en: NameEn = "",
    data_dir: DataDir = None,
) -> None:
    """Print its number."""
    wanted = NewZone(code, name, kind, floor, name_en)
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        number = place.scope_of(connection, institution, "").institution_id or 0
        typer.echo(claiming.add_zone(connection, number, wanted, f"cli:{by}"))
    progress(text(f"已添加区域 {name}", f"added the zone {name}"))


def _line(standing: Standing, facts: Facts) -> str:
    mark = "✓" if standing.done else "–"
    line = f"{mark} {text(*_STEPS[standing.step])}"
    if standing.missing is None:
        return line
    code = facts.institution.code if facts.institution else "CODE"
    told = text(*_MISSING[standing.missing]).format(
        code=code,
        user=broker_access.gateway_user(code),
        topic=f"{PREFIX}/{code}/",
        heard=facts.heard_count,
        refused=f"{facts.refused.topic} ({facts.refused.reason})" if facts.refused else "",
        stranger=facts.stranger.institution if facts.stranger else "",
    )
    return f"{line}\n    {told}"
