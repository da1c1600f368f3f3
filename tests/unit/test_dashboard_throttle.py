"""Tries to sign in are counted per account, per address and per both, and forgotten in time."""

from dashboard.throttle import KEYS_COUNT_MAX, WINDOW_S, Bucket, SignInThrottle


def tries(throttle: SignInThrottle, account: str, address: str, now_s: float, count: int) -> list[int | None]:
    return [throttle.attempt(account, address, now_s) for _ in range(count)]


def test_the_pair_has_the_tightest_limit_and_says_how_long_to_wait():
    throttle = SignInThrottle(pair_count_max=3, address_count_max=100, account_count_max=100)
    first, second, third, fourth = tries(throttle, "admin", "10.0.0.1", 0.0, 4)
    assert (first, second, third) == (None, None, None)
    assert fourth == WINDOW_S / 3
    assert throttle.attempt("admin", "10.0.0.1", WINDOW_S / 3 - 0.5) == 1
    assert throttle.attempt("admin", "10.0.0.1", WINDOW_S / 3 + 0.01) is None


def test_a_refused_try_costs_nothing():
    throttle = SignInThrottle(pair_count_max=1, address_count_max=2, account_count_max=100)
    tries(throttle, "admin", "10.0.0.1", 0.0, 50)
    assert throttle.attempt("other", "10.0.0.1", 0.0) is None


def test_an_address_is_limited_over_all_accounts_and_an_account_over_all_addresses():
    throttle = SignInThrottle(pair_count_max=5, address_count_max=3, account_count_max=4)
    assert [throttle.attempt(f"user{n}", "10.0.0.1", 0.0) for n in range(3)] == [None] * 3
    assert throttle.attempt("user9", "10.0.0.1", 0.0) is not None
    assert [throttle.attempt("admin", f"10.1.0.{n}", 0.0) for n in range(4)] == [None] * 4
    assert throttle.attempt("admin", "10.2.0.1", 0.0) is not None


def test_a_good_password_gives_the_tries_back():
    throttle = SignInThrottle(pair_count_max=2, address_count_max=5, account_count_max=5)
    for _ in range(20):
        assert throttle.attempt("admin", "10.0.0.1", 0.0) is None
        throttle.succeeded("admin", "10.0.0.1", 0.0)


def test_many_keys_take_bounded_memory():
    bucket = Bucket(5)
    for number in range(KEYS_COUNT_MAX + 100):
        bucket.spend(f"key {number}", 0.0)
    assert len(bucket._spent) == KEYS_COUNT_MAX
    assert f"key {KEYS_COUNT_MAX + 99}" in bucket._spent
    assert "key 0" not in bucket._spent
