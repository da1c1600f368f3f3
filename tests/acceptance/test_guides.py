"""The card for the wall: printed, it is one page of A4."""

import re

import pytest
from playwright.sync_api import Browser

from tests.doc_pages import ROOT

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_card_for_the_wall_is_one_page(browser: Browser, language: str) -> None:
    page = browser.new_page()
    try:
        page.goto((ROOT / "docs" / language / "operator-card.html").as_uri())
        printed = page.pdf(prefer_css_page_size=True)
    finally:
        page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    [(width, height)] = set(re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", printed))
    assert (round(float(width)), round(float(height))) == (595, 842)  # A4 in points
