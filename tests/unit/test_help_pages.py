"""The guides in the built page: whole, in both languages, and leading nowhere that a desk without internet has not."""

import re
from pathlib import Path

import pytest

from docs import help_pages
from tests.doc_pages import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("static") / "help"
    help_pages.write(made)
    help_pages.write(made)  # over what an earlier build has left
    return made


def test_each_guide_is_there_and_leads_to_what_is_there(folder: Path) -> None:
    pages = sorted(folder.glob("*/*.html"))
    assert len(pages) == 2 * (len(help_pages.GUIDES) + 1)
    for page in pages:
        for target in re.findall(r'(?:href|src)="([^"]+)"', page.read_text("utf-8")):
            found = ROOT / "dashboard/web/public" / target[1:] if target.startswith("/") else page.parent / target
            assert found.resolve().exists(), f"{page.name}: {target}"


def test_a_link_beyond_the_guides_is_text(folder: Path) -> None:
    made = help_pages.render(
        "# T\n[a](../hazards.md) [b](operator.md) ![c](../images/c.png) [d](https://x.org) <i>", "zh"
    )
    assert "<span>a</span>" in made
    assert '<a href="operator.html">b</a>' in made
    assert "<span>d</span>" in made
    assert '<img src="../images/c.png" alt="c"' in made
    assert "<title>T · 安护 Anhu</title>" in made


def test_the_menu_has_a_guide_for_every_role() -> None:
    source = (ROOT / "dashboard/web/src/people/guide.ts").read_text("utf-8")
    assert set(re.findall(r': "(\w+)",?$', source, re.MULTILINE)) == set(help_pages.GUIDES)
