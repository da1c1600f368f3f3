"""`anhu rating` on a real database: a run, working it out again, comparing policies; what is wrong with a file."""

import psycopg
import pytest
from typer.testing import CliRunner

from anhu.cli import app
from tests.integration.dashboard_world import build

pytestmark = pytest.mark.integration


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["rating", *words])
    return result.exit_code, result.output


def test_a_run_is_kept_and_comes_out_again_until_the_evidence_is_gone(database_url, monkeypatch):
    monkeypatch.setenv("ANHU_DATABASE_URL", database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://unused")
    world = build(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE institutions SET created_at = '2025-01-01T00:00Z'")
    assert call("load", "standard", "--by", "王工")[0] == 0
    code, told = call("run", "--by", "王工", "--as-of", "2026-03-01T02:00:00")
    assert code == 0
    assert f"{world.home}\tB-\t70.00" in told
    assert call("verify")[0] == 0
    code, told = call("backtest", "standard", "base80", "--from", "2026-01-01", "--to", "2026-02-05")
    assert code == 0
    # By base80 a commitment is asked for, of who has had 366 days for it.
    assert [("70.00 → 80.00" in told, "70.00 → 74.00" in told), told.count("B- → C    2")] == [(True, True), 1]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE institutions SET created_at = '2026-04-01T00:00Z' WHERE id = %s", (world.home,))
    code, told = call("verify")
    assert (code, str(world.home) in told) == (1, True)


def test_every_error_of_a_file_is_told(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('id = "x"\ncolour = 1\n', "utf-8")
    code, told = call("check", str(file))
    assert code == 1
    assert "unknown field colour" in told
    assert "there is no indicator" in told
    assert call("check", "hundred")[0] == 0
    assert "hazards_overdue" in call("evidence")[1]


def test_criteria_of_the_credit_lists_are_checked_and_put_in_force(database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("ANHU_DATABASE_URL", database_url)
    monkeypatch.setenv("ANHU_MQTT_URL", "mqtt://unused")
    code, shipped = call("lists", "show", "--default")
    assert code == 0
    file = tmp_path / "lists.toml"
    file.write_text(shipped.replace("term_months = 36", "term_months = 24", 1), "utf-8")
    code, told = call("lists", "check", str(file))
    assert (code, "repair_after_months = 24 must be" in told) == (1, True)  # not before the term would end anyway
    mine = shipped.replace("appeal_days = 10", "appeal_days = 15")
    file.write_text(mine, "utf-8")
    code, told = call("lists", "check", str(file))
    assert code == 0
    assert "black.term_months" in told
    assert "black-overdue" in told  # which base80 has no veto for
    assert call("lists", "load", str(file), "--by", "王工")[0] == 0
    assert call("lists", "show") == (0, mine)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT loaded_by FROM credit_criteria").fetchall() == [("cli:王工",)]
        assert connection.execute("SELECT actor FROM acts WHERE verb = 'load_credit_criteria'").fetchall() == [
            ("cli:王工",)
        ]
