"""Whether the ways into the service can be used by others: files, connections, certificates, networks. Purely."""

import ipaddress
from datetime import timedelta
from typing import Final

from anhu.security_finding import Facts, Finding, Say, Verdict, is_local, some, unseen
from ingest.reach import Guard

CERTIFICATE_DAYS_MIN: Final = 30


def files(facts: Facts, say: Say) -> Finding:
    """Who may read the files of secrets."""
    name = say("密钥与口令文件", "Files of secrets")
    open_ones = [f"{each.path} ({each.mode:04o})" for each in facts.private_files if each.mode & 0o077]
    if not open_ones:
        return Finding(
            name,
            Verdict.GOOD,
            say(f"{len(facts.private_files)} 个，仅属主可读", f"{len(facts.private_files)}, for their owner alone"),
        )
    why = say("本机其他用户可读到口令和密钥", "other users of this machine can read passwords and keys")
    paths = " ".join(each.path for each in facts.private_files if each.mode & 0o077)
    return Finding(name, Verdict.BAD, some(open_ones), why, f"chmod go-rwx {paths}")


def database_tls(facts: Facts, say: Say) -> Finding:
    """Whether the way to the database can be listened to, or led elsewhere."""
    name, address = say("数据库连接", "Way to the database"), facts.database_address
    if address is None:
        return Finding(
            name,
            Verdict.DOUBT,
            say("没有数据库在运行", "no database is running"),
            say("有些检查没有做", "some checks were not made"),
            say("先启动服务，再检查一次。", "Start the service and look again."),
        )
    if address.local:
        return Finding(name, Verdict.GOOD, say("在本机", "on this machine"))
    if address.verified:
        return Finding(name, Verdict.GOOD, f"{address.host}, verify-full")
    why = say(
        "网络上的人可冒充数据库，得到口令和全部数据",
        "whoever sits on the network can pose as the database, and has the password and everything",
    )
    return Finding(
        name,
        Verdict.BAD,
        say(f"{address.host}，未核对证书", f"{address.host}, its certificate is not verified"),
        why,
        "ANHU_DATABASE_URL=…?sslmode=verify-full&sslrootcert=/etc/anhu/ca.pem",
    )


def superuser(facts: Facts, say: Say) -> Finding:
    """As whom we are at the database."""
    name = say("数据库用户", "Database user")
    if facts.database is None:
        return unseen(name, say)
    if not facts.database.superuser:
        return Finding(name, Verdict.GOOD, say("不是超级用户", "no superuser"))
    why = say(
        "超级用户不受行级安全约束，还能在数据库服务器上运行程序",
        "row-level security does not hold a superuser, who can also run programs on the database's machine",
    )
    return Finding(
        name,
        Verdict.BAD,
        say("是超级用户，或可越过行级安全", "a superuser, or one whom row-level security does not hold"),
        why,
        "ALTER ROLE anhu NOSUPERUSER NOBYPASSRLS",
    )


def row_security(facts: Facts, say: Say) -> Finding:
    """Whether the database itself holds requests."""
    name = say("行级安全", "Row-level security")
    if facts.database is None:
        return unseen(name, say)
    if facts.database.row_security is Guard.READY:
        return Finding(name, Verdict.GOOD, say("已启用", "in force"))
    why = say(
        "程序自身的检查若有漏洞，别的机构的数据就会露出",
        "a mistake in the application's own checks would show another institution's data",
    )
    return Finding(
        name,
        Verdict.BAD,
        say("没有启用", "not in force"),
        why,
        say("anhu doctor 给出所需语句。", "anhu doctor tells the statements."),
    )


def broker(facts: Facts, say: Say) -> Finding:
    """Whether the way to the broker can be listened to."""
    name, broker = say("MQTT 连接", "Way to the broker"), facts.broker
    if broker is None:
        return unseen(name, say)
    if broker.local:
        return Finding(name, Verdict.GOOD, say("在本机", "on this machine"))
    if broker.verified:
        return Finding(name, Verdict.GOOD, f"mqtts://{broker.host}")
    why = say(
        "明文 MQTT：网络上的人可读到口令并伪造或压下报警",
        "MQTT in clear: whoever sits on the network reads the password, and forges alarms or holds them back",
    )
    return Finding(
        name,
        Verdict.BAD,
        f"mqtt://{broker.host}",
        why,
        say("改用 mqtts://，证书机构见 ANHU_MQTT_CA_FILE。", "Use mqtts://; ANHU_MQTT_CA_FILE names the authority."),
    )


def shared_account(facts: Facts, say: Say) -> Finding:
    """Whether one password speaks for all."""
    name = say("设备共用账户", "Account shared by devices")
    if facts.shared_account_open is None:
        return unseen(name, say)
    if not facts.shared_account_open:
        return Finding(name, Verdict.GOOD, say("已停用", "closed"))
    why = say(
        "拿到一台设备口令的人可以替任何机构说话", "whoever has the password of one device speaks for every institution"
    )
    return Finding(name, Verdict.DOUBT, say("仍开放", "still open"), why, "anhu broker sync --close-shared")


def certificates(facts: Facts, say: Say) -> Finding:
    """Whether certificates last."""
    name = say("证书", "Certificates")
    ended = [path for path, until in facts.certificates if until is not None and until <= facts.now]
    soon = facts.now + timedelta(days=CERTIFICATE_DAYS_MIN)
    doubtful = [path for path, until in facts.certificates if until is None or facts.now < until <= soon]
    remedy = say("anhu tls renew，或更新自己的证书。", "anhu tls renew, or renew your own.")
    if ended:
        return Finding(
            name,
            Verdict.BAD,
            say(f"已过期：{some(ended)}", f"expired: {some(ended)}"),
            say("网关连不上，报警到不了", "gateways cannot connect, and alarms do not arrive"),
            remedy,
        )
    if doubtful:
        return Finding(
            name,
            Verdict.DOUBT,
            say(
                f"读不到，或 {CERTIFICATE_DAYS_MIN} 天内到期：{some(doubtful)}",
                f"unreadable, or to end within {CERTIFICATE_DAYS_MIN} days: {some(doubtful)}",
            ),
            say("到期后连接会中断", "connections break when it ends"),
            remedy,
        )
    return Finding(name, Verdict.GOOD, say(f"{len(facts.certificates)} 个有效", f"{len(facts.certificates)} in force"))


def page(facts: Facts, say: Say) -> Finding:
    """Whether passwords cross a network in clear."""
    name, page = say("网页的访问", "Way to the page"), facts.page
    if page.https:
        return Finding(name, Verdict.GOOD, f"https, {page.host}")
    if is_local(page.host):
        return Finding(name, Verdict.GOOD, say(f"{page.host}，仅本机", f"{page.host}, this machine only"))
    if page.trusted_proxies:
        why = say("绕过代理直接访问端口的人走的是明文", "who reaches the port past the proxy speaks in clear")
        return Finding(
            name,
            Verdict.DOUBT,
            f"{page.host}, {some(page.trusted_proxies)}",
            why,
            say(
                "代理在本机时设 ANHU_DASHBOARD_HOST=127.0.0.1，否则用防火墙限制端口。",
                "With the proxy on this machine, ANHU_DASHBOARD_HOST=127.0.0.1; else let a firewall close the port.",
            ),
        )
    why = say("口令和会话以明文经过网络", "passwords and sessions cross the network in clear")
    return Finding(
        name,
        Verdict.BAD,
        f"http://{page.host}",
        why,
        say(
            "设 ANHU_DASHBOARD_TLS_CERTIFICATE 和 _TLS_KEY，或放在 TLS 代理之后（docs/tls.md）。",
            "Set ANHU_DASHBOARD_TLS_CERTIFICATE and _TLS_KEY, or put a TLS proxy in front (docs/tls.md).",
        ),
    )


def networks(facts: Facts, say: Say) -> Finding:
    """Whose word we take for granted."""
    name = say("信任的网段", "Trusted networks")
    wide = [each for each in (*facts.page.metrics_networks, *facts.page.trusted_proxies) if _is_wide(each)]
    if not wide:
        return Finding(name, Verdict.GOOD, say("没有过宽的", "none is too wide"))
    why = say(
        "任何人可读运行指标，或假报来源地址、绕过登录限制",
        "anybody reads the metrics, or claims any address and escapes the sign-in throttle",
    )
    return Finding(
        name,
        Verdict.BAD,
        some(wide),
        why,
        say(
            "ANHU_DASHBOARD_METRICS_NETWORKS、_TRUSTED_PROXIES 只写监测机和代理的地址。",
            "In ANHU_DASHBOARD_METRICS_NETWORKS and _TRUSTED_PROXIES name your monitor and your proxy only.",
        ),
    )


def cookie(facts: Facts, say: Say) -> Finding:
    """Whether browsers may send the session in clear."""
    name = say("会话 Cookie", "Session cookie")
    if facts.page.secure_cookie != "never":
        return Finding(name, Verdict.GOOD, facts.page.secure_cookie)
    why = say("浏览器会以明文送出会话", "browsers send the session in clear")
    return Finding(name, Verdict.BAD, "never", why, "ANHU_DASHBOARD_SECURE_COOKIE=auto")


def _is_wide(network: str) -> bool:
    """Whether that is (nearly) everybody; a host's name is one machine."""
    if network == "*":
        return True
    try:
        parsed = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
    return parsed.prefixlen < (8 if parsed.version == 4 else 16)
