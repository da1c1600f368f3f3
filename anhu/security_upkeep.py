"""Whether accounts, records and the machine are kept as they should be: purely."""

from datetime import timedelta
from typing import Final

from anhu.security_finding import Facts, Finding, Say, Verdict, some, unseen

IDLE_DAYS: Final = 90
ONE_TIME_DAYS: Final = 7
SIGNED_HOURS_MAX: Final = 24.0
BACKUP_DAYS_MAX: Final = 8.0
LISTS_DAYS_MAX: Final = 14.0


def second_factor(facts: Facts, say: Say) -> Finding:
    """Whether one password is enough to be administrator."""
    name = say("管理员两步验证", "Administrators' second factor")
    if facts.database is None:
        return unseen(name, say)
    without = facts.database.administrators_with_one_factor
    why = say("一个被骗走的口令就能得到全部权限", "one password that was talked out of somebody opens everything")
    if "administrator" in facts.page.second_factor_roles:
        seen = say("必须", "demanded") + (
            say(f"；下次登录时启用：{some(without)}", f"; at their next sign-in: {some(without)}") if without else ""
        )
        return Finding(name, Verdict.GOOD, seen)
    if not without:
        return Finding(
            name,
            Verdict.DOUBT,
            say("都已启用，但没有强制", "all have one, but nobody must"),
            why,
            "ANHU_DASHBOARD_SECOND_FACTOR_ROLES=administrator,supervisor",
        )
    return Finding(
        name,
        Verdict.BAD,
        say(f"没有：{some(without)}", f"none: {some(without)}"),
        why,
        "ANHU_DASHBOARD_SECOND_FACTOR_ROLES=administrator,supervisor",
    )


def account_key(facts: Facts, say: Say) -> Finding:
    """Whether second factors can be checked."""
    name = say("账号密钥", "Account key")
    if facts.account_key_present:
        return Finding(name, Verdict.GOOD, say("存在", "present"))
    if facts.database is None:
        return unseen(name, say)
    if not facts.database.enrolled:
        return Finding(name, Verdict.GOOD, say("还不需要", "not needed yet"))
    why = say(
        f"{facts.database.enrolled} 人的验证码无法核对",
        f"the codes of {facts.database.enrolled} users cannot be checked",
    )
    remedy = say("从备份取回 account.key。", "Bring account.key back from a backup.")
    return Finding(name, Verdict.BAD, say("丢失", "lost"), why, remedy)


def one_time(facts: Facts, say: Say) -> Finding:
    """Passwords that were handed over and never changed."""
    name = say("初始口令", "First passwords")
    if facts.database is None:
        return unseen(name, say)
    unchanged = facts.database.one_time_passwords
    if not unchanged:
        return Finding(name, Verdict.GOOD, say("都已更改", "all changed"))
    why = say("发给别人的口令还留在便条和聊天里", "a password that was handed over still stands on a note or in a chat")
    seen = say(
        f"{ONE_TIME_DAYS} 天以上未改：{some(unchanged)}",
        f"unchanged for more than {ONE_TIME_DAYS} days: {some(unchanged)}",
    )
    return Finding(name, Verdict.DOUBT, seen, why, "anhu user reset-password NAME")


def idle(facts: Facts, say: Say) -> Finding:
    """Accounts of people who may have left."""
    name = say("久未使用的账号", "Accounts out of use")
    if facts.database is None:
        return unseen(name, say)
    idle = facts.database.idle_users
    if not idle:
        return Finding(name, Verdict.GOOD, say("没有", "none"))
    why = say("离职者的权限可能还在", "somebody who has left may still have their rights")
    return Finding(
        name,
        Verdict.DOUBT,
        say(f"{IDLE_DAYS} 天无记录：{some(idle)}", f"nothing on record for {IDLE_DAYS} days: {some(idle)}"),
        why,
        say("在“人员”页停用。", "Make them inactive on the page People."),
    )


def ledger(facts: Facts, say: Say) -> Finding:
    """Whether what is on record is signed."""
    name = say("账本签名", "Ledger signed")
    if facts.database is None:
        return unseen(name, say)
    at = facts.database.signed_at
    if not facts.database.records:
        return Finding(name, Verdict.GOOD, say("还没有记录", "nothing on record yet"))
    if at is not None and facts.now - at <= timedelta(hours=SIGNED_HOURS_MAX):
        return Finding(
            name,
            Verdict.GOOD,
            f"{at:%Y-%m-%d %H:%M} UTC",
            remedy=say("anhu ledger verify 核对整条链。", "anhu ledger verify checks the whole chain."),
        )
    why = say(
        "未签名的记录可被数据库管理员改写而不留痕迹",
        "what is not signed yet can be rewritten by who runs the database, without a trace",
    )
    seen = say("从未", "never") if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
    return Finding(
        name,
        Verdict.BAD,
        seen,
        why,
        say(
            "看角色 watch 的日志，再运行 anhu ledger verify。",
            "Look at the log of the role watch, then run anhu ledger verify.",
        ),
    )


def backup(facts: Facts, say: Say) -> Finding:
    """What is left after a disaster."""
    name = say("备份", "Backup")
    if not facts.embedded:
        return Finding(
            name,
            Verdict.DOUBT,
            say("自己的数据库，从这里看不到", "a database of your own; not seen from here"),
            say("勒索或误删之后只剩备份", "after ransom or a mistake there is nothing but the backup"),
            say(
                "核对它的备份，并确认已加密、不在同一台机器。", "See to its backups: encrypted, and on another machine."
            ),
        )
    if facts.backup_at is not None and facts.now - facts.backup_at <= timedelta(days=BACKUP_DAYS_MAX):
        return Finding(
            name,
            Verdict.GOOD,
            f"{facts.backup_at:%Y-%m-%d}",
            remedy=say(
                "是否加密、是否在别处，从这里看不到，请自行确认。",
                "Whether it is encrypted and elsewhere cannot be seen from here: make sure.",
            ),
        )
    seen = say("从未", "never made") if facts.backup_at is None else f"{facts.backup_at:%Y-%m-%d}"
    return Finding(
        name,
        Verdict.BAD,
        seen,
        say("勒索或误删之后什么都没有", "after ransom or a mistake nothing is left"),
        "anhu backup /mnt/backup --keep 14",
    )


def clock(facts: Facts, say: Say) -> Finding:
    """Whether times can be believed."""
    name = say("时钟同步", "Clock")
    if facts.clock_synchronised:
        return Finding(name, Verdict.GOOD, say("已同步", "synchronised"))
    why = say(
        "报警时间失去证明力，验证码和证书也会失效",
        "times of alarms prove nothing then, and codes and certificates fail",
    )
    seen = (
        say("无法得知", "cannot be told") if facts.clock_synchronised is None else say("没有同步", "not synchronised")
    )
    verdict = Verdict.DOUBT if facts.clock_synchronised is None else Verdict.BAD
    return Finding(
        name,
        verdict,
        seen,
        why,
        say(
            "启用 systemd-timesyncd 或 chrony，并设 ANHU_WATCH_NTP_SERVER。",
            "Use systemd-timesyncd or chrony, and set ANHU_WATCH_NTP_SERVER.",
        ),
    )


def dead_man(facts: Facts, say: Say) -> Finding:
    """Whether anybody hears that we have stopped."""
    name = say("失联告警", "Dead man's switch")
    if facts.dead_man_set:
        return Finding(name, Verdict.GOOD, say("已设", "set"))
    why = say("整台机器停了或被关掉，没有人会知道", "when the machine stops, or is stopped, nobody is told")
    return Finding(name, Verdict.DOUBT, say("未设", "not set"), why, "ANHU_WATCH_DEAD_MAN_URL=https://…")


def updates(facts: Facts, say: Say) -> Finding:
    """Whether somebody keeps the system up to date."""
    name = say("系统更新", "System updates")
    if facts.restart_wanted:
        return Finding(
            name,
            Verdict.DOUBT,
            say("更新后需要重启", "a restart is wanted after an update"),
            say("旧内核或旧库仍在运行", "old kernels or libraries still run"),
            say("择时重启。", "Restart at a quiet hour."),
        )
    at = facts.package_lists_at
    if at is None:
        return Finding(
            name,
            Verdict.DOUBT,
            say("无法得知", "cannot be told"),
            say("已知漏洞需要补丁", "known holes want their patches"),
            say("自行确认安全更新。", "Make sure security updates are installed."),
        )
    days = (facts.now - at).total_seconds() / 86400
    if days <= LISTS_DAYS_MAX:
        return Finding(
            name, Verdict.GOOD, say(f"软件包列表 {days:.0f} 天前更新", f"package lists are {days:.0f} days old")
        )
    return Finding(
        name,
        Verdict.DOUBT,
        say(f"软件包列表 {days:.0f} 天未更新", f"package lists are {days:.0f} days old"),
        say("没有人在看安全更新", "nobody looks for security updates"),
        "apt install unattended-upgrades",
    )
