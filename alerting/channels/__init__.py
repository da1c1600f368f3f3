"""The ways to reach people, one file for each kind; none knows of the database."""

import logging
from collections.abc import Mapping
from typing import Final

from alerting.channels.bots import DINGTALK, FEISHU, WECOM, Bot
from alerting.channels.http import Poster
from alerting.channels.letter import Channel, Letter
from alerting.channels.mail import Mail
from alerting.channels.other import Other
from alerting.channels.sms import TextMessages
from alerting.channels.webhook import Webhook
from alerting.errors import ContactInvalid
from alerting.settings import NotifySettings

__all__ = ["Channel", "Letter", "Poster", "check", "open_channels"]

ADDRESS_CHARS_MAX: Final = 1000
# They write the addresses they are given into the log, the first one even without being asked for details.
_TALKATIVE: Final = ("httpx", "httpcore", "urllib3", "requests", "apprise")


def open_channels(settings: NotifySettings, poster: Poster) -> Mapping[str, Channel]:
    """Every kind of channel by its name; from here on the libraries behind them log nothing."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return {
        "wecom": Bot(WECOM, settings.wecom_url, poster),
        "dingtalk": Bot(DINGTALK, settings.dingtalk_url, poster),
        "feishu": Bot(FEISHU, settings.feishu_url, poster),
        "email": Mail(settings),
        "webhook": Webhook(poster, plain_http=settings.webhook_plain_http, allowed=settings.webhook_networks_allowed),
        "sms": TextMessages(settings, poster),
        "apprise": Other(settings.send_s_max, settings.webhook_networks_allowed),
    }


def check(channels: Mapping[str, Channel], kind: str, address: str) -> None:
    """Raise ContactInvalid for an address that cannot be used, without repeating it."""
    if kind not in channels:
        raise ContactInvalid(f"there is no channel {kind}; there are {', '.join(channels)}")
    if not 1 <= len(address) <= ADDRESS_CHARS_MAX:
        raise ContactInvalid(f"an address has 1 to {ADDRESS_CHARS_MAX} characters")
    channels[kind].check(address)
