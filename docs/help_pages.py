"""Write the guides as HTML into the built page, for the link 使用指南 in the user's menu; without any other server.

    .venv/bin/python docs/help_pages.py dashboard/static/help

deploy/page.sh calls it after each build. Links that lead beyond the guides become plain text: whoever is at a desk has
neither the repository nor, perhaps, the internet.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

HERE: Final = Path(__file__).parent
GUIDES: Final = ("operator", "inspector", "supervisor", "administrator")
CARD: Final = "operator-card.html"
LANGUAGES: Final = {"zh": "zh-CN", "en": "en"}
STYLE: Final = """\
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; font: 16px/1.7 system-ui, "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 1.7rem; }
h2 { margin-top: 2.2rem; border-bottom: 1px solid #8884; font-size: 1.3rem; }
img { max-width: 100%; max-height: 34rem; border: 1px solid #8884; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
td, th { padding: .35rem .7rem; border: 1px solid #8886; text-align: left; vertical-align: top; }
pre { overflow-x: auto; padding: .7rem; background: #8882; }
@media print { a { color: inherit; text-decoration: none; } h2, tr { break-after: avoid; } }
"""  # noqa: E501 - CSS
PAGE: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="../guide.css">
<link rel="icon" href="/icon.svg">
</head>
<body>
{body}</body>
</html>
"""


def render(text: str, language: str) -> str:
    """A guide as a page of its own."""
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    for token in tokens:
        if token.children:
            _lead_within(token.children)
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    body = markdown.renderer.render(tokens, markdown.options, {})
    return PAGE.format(language=LANGUAGES[language], title=f"{title[1] if title else ''} · 安护 Anhu", body=body)


def _lead_within(tokens: list[Token]) -> None:
    """Links to other guides to their pages, all others to nothing."""
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            found = re.fullmatch(r"((?:\.\./(?:zh|en)/)?)([\w-]+)\.(md|html)", str(token.attrs["href"]))
            dropped = found is None or (found[2] not in GUIDES and f"{found[2]}.{found[3]}" != CARD)
            token.attrs = {} if dropped or found is None else {"href": f"{found[1]}{found[2]}.html"}
        if token.type in ("link_open", "link_close") and dropped:
            token.tag = "span"


def write(folder: Path) -> None:
    """Every guide in every language, with the pictures they show."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    (folder / "guide.css").write_text(STYLE, "utf-8")
    for language in LANGUAGES:
        (folder / language).mkdir()
        shutil.copy(HERE / language / CARD, folder / language / CARD)
        for guide in GUIDES:
            text = (HERE / language / f"{guide}.md").read_text("utf-8")
            (folder / language / f"{guide}.html").write_text(render(text, language), "utf-8")
            for name in re.findall(r"\]\(\.\./images/([\w.-]+)\)", text):
                shutil.copy(HERE / "images" / name, folder / "images" / name)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
