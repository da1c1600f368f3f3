"""How often somebody may try a password: counted per account, per address and per both, in bounded memory."""

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

KEYS_COUNT_MAX: Final = 4096  # per kind of key; beyond it the one unused longest is forgotten
WINDOW_S: Final = 900.0


@dataclass(slots=True)
class Bucket:
    """Tries left for each key: `count_max` at once, and as many again in every WINDOW_S."""

    count_max: int
    _spent: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)  # key → (tries spent, as of)

    def wait_s(self, key: str, now_s: float) -> float:
        """Seconds until `key` may try again, 0 when it may now."""
        return max(0.0, (self._level(key, now_s) + 1 - self.count_max) * WINDOW_S / self.count_max)

    def spend(self, key: str, now_s: float) -> None:
        """Count one try of `key`."""
        self._spent[key] = (self._level(key, now_s) + 1, now_s)
        self._spent.move_to_end(key)
        while len(self._spent) > KEYS_COUNT_MAX:
            self._spent.popitem(last=False)

    def refund(self, key: str, now_s: float) -> None:
        """Take back one try of `key`: it was a good one."""
        if key in self._spent:
            self._spent[key] = (max(0.0, self._level(key, now_s) - 1), now_s)

    def forget(self, key: str) -> None:
        """All tries of `key` are available again."""
        self._spent.pop(key, None)

    def _level(self, key: str, now_s: float) -> float:
        spent, as_of_s = self._spent.get(key, (0.0, now_s))
        return max(0.0, spent - (now_s - as_of_s) * self.count_max / WINDOW_S)


class SignInThrottle:
    """Tries are counted before the password is checked, so that many at once gain nothing.

    The limit of one account from one address is the tightest; an address alone and an account alone have wider ones, so
    that a stranger can lock out neither a whole office nor the administrator's own desk with a few guesses. Codes of a
    second factor are few, so they have a tight limit of their own for an account, wherever they come from; only who
    has the right password spends of it.
    """

    def __init__(
        self, *, pair_count_max: int = 5, address_count_max: int = 30, account_count_max: int = 100,
        code_count_max: int = 10, elsewhere_count_max: int = 60,
    ) -> None:  # fmt: skip
        self._pair = Bucket(pair_count_max)
        self._address = Bucket(address_count_max)
        self._account = Bucket(account_count_max)
        self._code = Bucket(code_count_max)
        self._elsewhere = Bucket(elsewhere_count_max)

    def attempt(self, account: str, address: str, now_s: float) -> int | None:
        """Count a try; None when it may go on, else the whole seconds to wait."""
        keys = list(self._keys(account, address))
        wait_s = max(bucket.wait_s(key, now_s) for bucket, key in keys)
        if wait_s > 0:
            return math.ceil(wait_s)
        for bucket, key in keys:
            bucket.spend(key, now_s)
        return None

    def attempt_code(self, account: str, now_s: float) -> int | None:
        """Count a code tried with the right password; None when it may go on, else the whole seconds to wait."""
        wait_s = self._code.wait_s(account, now_s)
        if wait_s > 0:
            return math.ceil(wait_s)
        self._code.spend(account, now_s)
        return None

    def code_succeeded(self, account: str, now_s: float) -> None:
        """The code counted last was a right one. Only it is taken back: who guesses beside gains nothing."""
        self._code.refund(account, now_s)

    def attempt_elsewhere(self, address: str, now_s: float) -> int | None:
        """Count a sign-in that another service judges; None when it may go on, else the whole seconds to wait. These
        have nothing to do with passwords: an office whose provider refuses everybody still signs in by password."""
        wait_s = self._elsewhere.wait_s(address, now_s)
        if wait_s > 0:
            return math.ceil(wait_s)
        self._elsewhere.spend(address, now_s)
        return None

    def not_refused_elsewhere(self, address: str, now_s: float) -> None:
        """The one counted last was a good one, or it could not be judged."""
        self._elsewhere.refund(address, now_s)

    def half_way(self, account: str, address: str, now_s: float) -> None:
        """The try counted last was a right password, and a code is still wanted: it was no guess. The others stay, for
        whoever knows the password must not win new tries at the code by it."""
        for bucket, key in self._keys(account, address):
            bucket.refund(key, now_s)

    def succeeded(self, account: str, address: str, now_s: float) -> None:
        """The try counted last was a good one."""
        self._pair.forget(f"{account}\n{address}")
        self._address.refund(address, now_s)
        self._account.refund(account, now_s)

    def _keys(self, account: str, address: str) -> Iterable[tuple[Bucket, str]]:
        yield self._pair, f"{account}\n{address}"
        yield self._address, address
        yield self._account, account
