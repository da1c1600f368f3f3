"""`anhu rating …`: the safety credit rating: its policy, a run, working runs out again, comparing policies."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from alerting.hours import CHINA
from anhu.commands import credit_list
from anhu.commands.ground import DataDir, database, progress
from anhu.errors import AnhuError
from anhu.language import text
from anhu.plain_errors import plain_errors
from ingest.database import connect
from inspection import rating_policy, rating_run, rating_store
from inspection.errors import RatingPolicyInvalid
from inspection.evidence import SOURCES

_SHOWN_MAX: Final = 5  # of those that change most, at each moment

app = typer.Typer(no_args_is_help=True, help="安全生产信用评价。 The safety credit rating.")
app.add_typer(credit_list.app, name="lists")


class RatingsDiffer(AnhuError):
    """Stored ratings are not what the evidence gives."""


def _read(name: str) -> str:
    """The text of a file, or of a policy that ships."""
    if name in rating_policy.shipped():
        return rating_policy.shipped_text(name)
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RatingPolicyInvalid([f"{name}: {error}"]) from error


def _moment(given: datetime | None) -> datetime | None:
    """A time without a zone is Beijing's."""
    if given is None:
        return None
    return (given if given.tzinfo else given.replace(tzinfo=CHINA)).astimezone(UTC)


@app.command(
    help="检查评价策略文件，或自带的 base80、standard、hundred。 Check a policy file, or one that ships.",
    epilog="例 / for example: anhu rating check my-policy.toml",
)
def check(file: str) -> None:
    """Say every error in `file`."""
    with plain_errors():
        made = rating_policy.parse(_read(file))
        counts = len(made.indicators), len(made.vetoes), len(made.grades)
        progress(
            text(
                "没有错误：{} 项指标，{} 条一票否决，{} 个等级".format(*counts),
                "no errors: {} indicators, {} vetoes, {} grades".format(*counts),
            )
        )


@app.command(
    help="启用评价策略（文件或自带的名称），记录由谁启用。 Put a policy in force, noting who did.",
    epilog='例 / for example: anhu rating load standard --by "王工"',
)
def load(
    file: str,
    by: Annotated[str, typer.Option(help="启用人姓名 / the name of the person who decides this.")],
    data_dir: DataDir = None,
) -> None:
    """Check `file` and put it in force."""
    with plain_errors():
        body = _read(file)
        made = rating_policy.parse(body)
        with database(data_dir) as url, connect(url) as connection:
            new = rating_store.save_policy(connection, made, body, f"cli:{by[:200]}")
        name = f"{made.id} {made.version}"
        if new:
            progress(text(f"策略 {name} 已启用", f"policy {name} is in force"))
        else:
            progress(text("这份策略已在使用", "this policy is in force already"))


@app.command(
    help="列出指标可用的证据来源及其参数。 The sources of evidence an indicator can name, and what narrows them.",
    epilog="例 / for example: anhu rating evidence",
)
def evidence() -> None:
    """One line a source."""
    for name, source in SOURCES.items():
        narrowed = [f"{word} = {'|'.join(values)}" for word, values in source.words.items()]
        narrowed += [f"{flag} = true|false" for flag in sorted(source.flags)]
        amount = f" [{source.unit}]" if source.amount else ""
        typer.echo(f"{name:20} {text(source.zh, source.en)}{amount}")
        for each in narrowed:
            typer.echo(f"{'':20}   {each}")


@app.command(
    help="立即评价所有机构并保存。 Rate every institution now and keep the result.",
    epilog="例 / for example: anhu rating run --by 王工",
)
def run(
    by: Annotated[str, typer.Option(help="操作人姓名 / the name of the person who asks for it.")],
    as_of: Annotated[
        datetime | None, typer.Option(help="按当时的记录评价（北京时间） / by what was on record then (Beijing time).")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Rate by the policy in force."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        made, count = rating_run.run(connection, _moment(as_of), "demand", f"cli:{by[:200]}")
        connection.commit()
        progress(text(f"第 {made.id} 次评价：{count} 家机构", f"run {made.id}: {count} institutions"))
        for each in rating_store.ratings_of_run(connection, made.id):
            typer.echo(f"{each.institution_id}\t{each.grade}\t{each.score / 100:.2f}")


@app.command(
    help="按当时的证据重算已保存的评价并比较；不一致时退出码为 1。 "
    "Work stored ratings out again from the evidence as of then; exit code 1 where they differ.",
    epilog="例 / for example: anhu rating verify --last 30",
)
def verify(
    last: Annotated[int, typer.Option(min=1, help="最近几次评价 / so many of the newest runs.")] = 30,
    data_dir: DataDir = None,
) -> None:
    """Compare run by run."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        total, differing = 0, 0
        for each in rating_store.runs(connection, last):
            count, found = rating_run.verify(connection, each)
            total, differing = total + count, differing + len(found)
            for one in found:
                progress(
                    text(
                        f"第 {each.id} 次，机构 {one.institution_id}：与证据不一致",
                        f"run {each.id}, institution {one.institution_id}: not what the evidence gives",
                    )
                )
        if differing:
            raise RatingsDiffer(
                text(f"{total} 条评价中 {differing} 条不一致", f"{differing} of {total} ratings differ")
            )
        progress(text(f"{total} 条评价全部一致", f"all {total} ratings are what the evidence gives"))


@app.command(
    help="用历史记录比较两份策略：等级如何变化，哪些机构变化最大。 "
    "Compare two policies over the past: which grades become which.",
    epilog="例 / for example: anhu rating backtest base80 my-policy.toml --from 2026-01-01 --to 2026-11-01",
)
def backtest(
    old: str,
    new: str,
    first: Annotated[datetime, typer.Option("--from", help="从（北京时间） / from (Beijing time).")],
    last: Annotated[datetime, typer.Option("--to", help="到 / to.")],
    every_days: Annotated[int, typer.Option(min=1, help="间隔天数 / days between.")] = 30,
    data_dir: DataDir = None,
) -> None:
    """One block a moment."""
    with plain_errors(), database(data_dir) as url, connect(url) as connection:
        old_policy, new_policy = rating_policy.parse(_read(old)), rating_policy.parse(_read(new))
        begin, end = _moment(first), _moment(last)
        if begin is None or end is None:
            raise RuntimeError("both are required")
        for each in rating_run.backtest(connection, old_policy, new_policy, begin, end, timedelta(days=every_days)):
            day = each.as_of.astimezone(CHINA).date()
            means = text("平均分", "mean score")
            typer.echo(f"{day}  {means} {each.old_mean:.2f} → {each.new_mean:.2f}")
            for (was, now), count in sorted(each.moves.items()):
                typer.echo(f"  {was:>4} → {now:<4} {count}")
            for before, after in each.changed[:_SHOWN_MAX]:
                whose = f"{text('机构', 'institution')} {before.institution_id}"
                told = [f"{one.grade} {one.score / 100:.2f}" for one in (before, after)]
                typer.echo(f"    {whose}: {' → '.join(told)}")
