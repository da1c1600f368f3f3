"""axe-core in a page: what a screen reader, a keyboard or tired eyes would stumble over."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_SOURCE = Path(__file__).parents[2] / "dashboard/web/node_modules/axe-core/axe.min.js"
# Every rule of WCAG 2.2 A and AA, and of the good practices those that say how a page is built.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_PRACTICES = [
    "heading-order", "page-has-heading-one", "empty-heading", "region", "landmark-one-main", "landmark-unique",
    "tabindex", "label-title-only", "empty-table-header", "scope-attr-valid", "skip-link", "accesskeys", "aria-text",
    "image-redundant-alt", "presentation-role-conflict", "aria-dialog-name",
]  # fmt: skip
GRAVE = {"serious", "critical"}
_RUN = """async ([tags, rules]) => {
  const enabled = Object.fromEntries(rules.map((rule) => [rule, { enabled: true }]));
  const only = tags.length ? { type: "tag", values: tags } : { type: "rule", values: rules };
  const found = await axe.run(document, {
    runOnly: only, ...(tags.length && { rules: enabled }), resultTypes: ["violations"], elementRef: false,
  });
  return found.violations.map(({ id, impact, nodes }) => ({
    id, impact,
    nodes: nodes.map(({ target, html, any, all }) => ({ target: target.join(" "), html, why: [...any, ...all].map((one) => one.message).join("; ") })),
  }));
}"""


@dataclass(frozen=True)
class Finding:
    """One rule broken at one element."""

    rule: str
    impact: str
    target: str
    html: str
    why: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}) at {self.target}: {self.html[:200]} — {self.why}"


@cache
def source() -> str:
    return _SOURCE.read_text("utf-8")


def examine(page: Page, *rules: str) -> list[Finding]:
    """What is wrong with what the page shows now; by `rules` alone, if any are named. Colours are those after every
    transition."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(source())
    found: list[dict[str, Any]] = page.evaluate(_RUN, [[], list(rules)] if rules else [_TAGS, _PRACTICES])
    return [
        Finding(each["id"], each["impact"] or "", node["target"], node["html"], node["why"])
        for each in found
        for node in each["nodes"]
    ]
