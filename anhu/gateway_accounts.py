"""The accounts of gateways, made for the pages by the account that may change accounts.

Its address is looked up for each request and kept nowhere in this process: ANHU_ADMIN_MQTT_URL, or, of the embedded
broker, the file of the running service. Anhu's broker without the plugin, and one whose accounts others keep, are not
managed from here.
"""

import os
import secrets
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from anhu import broker_access, runtime
from anhu.broker_control import Control
from anhu.data_folder import PASSWORD_BYTES, DataFolder, default_data_dir
from anhu.errors import BrokerControlFailed
from anhu.gateway_topics import gateway_topics
from dashboard.errors import BrokerRefused, Busy
from dashboard.gateways import Account, Place
from ingest import route_file
from ingest.errors import RoutesInvalid
from ingest.mqtt import Address
from ingest.settings import Connections, PipelineSettings

_CONNECT_S_MAX: Final = 1.0
_WAIT_S_MAX: Final = 5.0  # for another request that is changing accounts

log = structlog.get_logger("anhu.gateways")


class GatewayAccounts:
    """dashboard.gateways.Gateways for the broker that `env` names."""

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        self._env = env
        self._changing = threading.Lock()

    def place(self) -> Place | None:
        """Where ANHU_DEVICE_MQTT_URL leads; `anhu serve` gives its roles that of the embedded broker."""
        url = self._env.get("ANHU_DEVICE_MQTT_URL") or ""
        try:
            address = Address.parse(url)
        except ValueError:
            return None
        return Place(address.host, address.port, address.tls)

    def reachable(self) -> bool | None:
        """Whether something listens where ANHU_MQTT_URL leads."""
        configured = Connections().mqtt_url
        if configured is None:
            return None
        try:
            address = Address.parse(configured.get_secret_value())
            with socket.create_connection((address.host, address.port), timeout=_CONNECT_S_MAX):
                return True
        except ValueError:
            return None
        except OSError:
            return False

    def user(self, code: str) -> str:
        """As `anhu broker sync` calls it."""
        return broker_access.gateway_user(code)

    def managed(self) -> bool:
        """Whether there is an account that may change accounts."""
        return bool(self._admin_url())

    def give(self, code: str, name: str, *, renew: bool) -> Account:
        """As `anhu broker sync` makes it, for this institution alone. Raises BrokerRefused, Busy."""
        admin_url = self._admin_url()
        if not admin_url:
            raise BrokerRefused
        if not self._changing.acquire(timeout=_WAIT_S_MAX):
            raise Busy
        try:
            return self._give(admin_url, code, name, renew=renew)
        except (BrokerControlFailed, RoutesInvalid) as error:
            log.warning("no account was made", institution=code, reason=str(error))
            raise BrokerRefused(str(error)) from error
        finally:
            self._changing.release()

    def _give(self, admin_url: str, code: str, name: str, *, renew: bool) -> Account:
        user = broker_access.gateway_user(code)
        topics = gateway_topics(route_file.load(PipelineSettings().routes).rules, {code: name})
        drawn: dict[str, str] = {}
        with Control(admin_url) as control:
            own = [each for each in control.listed("clients") if each["username"] == user]
            roles = [each for each in control.listed("roles") if each["rolename"] == user]
            wanted = broker_access.changes({code: name}, own, roles, topics.of)
            commands = [*wanted.commands, *(broker_access.renewals([code], own) if renew else ())]
            control.carry_out(commands, lambda: secrets.token_urlsafe(PASSWORD_BYTES), drawn.__setitem__)
        return Account(user, drawn.get(user, ""))

    def _admin_url(self) -> str:
        configured = Connections()
        if configured.admin_mqtt_url is not None:
            return configured.admin_mqtt_url.get_secret_value()
        folder = Path(self._env.get("ANHU_DATA_DIR") or default_data_dir(self._env))
        running = runtime.attach(DataFolder(folder)) if folder.exists() else None
        own = configured.mqtt_url.get_secret_value() if configured.mqtt_url else None
        return running.admin_mqtt_url if running is not None and own in (None, running.mqtt_url) else ""
