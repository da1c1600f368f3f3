"""The documentation holds: its links lead somewhere; the commands, options, settings and make targets it names are
there; the words it quotes from the page are on the page; every setting is told."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest

from anhu.cli import app
from benchmarks import groups
from docs import settings_page
from tests.doc_pages import ROOT

FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(
    r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\""
)
HEADING: Final = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
BOLD: Final = re.compile(r"\*\*([^*\n]+)\*\*")


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, new ones that are not ignored among them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(path for line in listed.splitlines() if (path := ROOT / line).exists())


PAGES: Final = tracked("*.md")
GUIDES: Final = [page for page in PAGES if page.parent.name in ("zh", "en")]


def named(page: Path) -> str:
    """A page as a test's name."""
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=named)


@cache
def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text("utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def test_headings_are_named_as_github_names_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# The `own` copy, 2.5 ms\n## 随机抽查（双随机）\n## A & b\n## A & b\n```\n# no heading\n```\n", "utf-8"
    )
    assert anchors(page) == {"the-own-copy-25-ms", "随机抽查双随机", "a--b", "a--b-1"}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    text = CODE.sub("", FENCE.sub("", page.read_text("utf-8")))
    for found in LINK.findall(text):
        target = unquote(next(filter(None, found)))
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or not path.is_relative_to(ROOT):
            broken.append(f"{target}: no such file")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            broken.append(f"{target}: no such heading; there are {sorted(anchors(path))}")
    assert broken == []


def code_of(page: Path) -> Iterator[str]:
    """The lines of shell blocks, a continued one whole, and what stands between backquotes."""
    text = page.read_text("utf-8")
    for fence in FENCE.findall(text):
        if fence.startswith(("```sh", "```\n")):
            yield from fence.replace("\\\n", " ").splitlines()[1:-1]
    yield from CODE.findall(FENCE.sub("", text).replace(r"\|", "|"))  # in a table


# --- commands -----------------------------------------------------------------------------------------------------

START: Final = r"(?:^|&& |\|\| |; |\$\(|\| |sudo |\b[A-Z_]+=\S+ )\s*"
ANHU: Final = re.compile(START + r"(?:\.venv/bin/)?anhu ([^|;&#)]*(?:\|[A-Za-z][^|;&#)]*)*)")


@cache
def command_tree() -> Any:
    import typer

    return typer.main.get_command(app)


def wrong(words: list[str]) -> str | None:
    """What the command line has no place for, None where all of it is known."""
    command = command_tree()
    context = command.make_context("anhu", ["doctor"], resilient_parsing=True)
    taken = list(words)
    while taken and hasattr(command, "list_commands") and not taken[0].startswith("-"):
        names = taken.pop(0).strip(",").split("|")  # `show|check|load`
        found = [command.get_command(context, name) for name in names]
        if None in found:
            if re.fullmatch(r"[A-Z…]+", names[0]) or names == ["…"]:
                return None
            return f"no command {names[found.index(None)]}"
        command = found[0]
    options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help", "-h"}
    if command is command_tree():
        options |= {"--version"}
    named = [word.split("=")[0].strip("[]().,") for word in taken if re.match(r"\[?--?[a-z]", word)]
    unknown = [name for name in named if name not in options]
    return f"no option {', '.join(unknown)}" if unknown else None


@each_page
def test_every_command_and_option_is_there(page: Path) -> None:
    found = [
        f"{line}: {problem}"
        for line in code_of(page)
        for told in ANHU.findall(line)
        if (problem := wrong(told.split()))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("anhu rating check my.toml", None),
        ("anhu ratings check", "no command ratings"),
        ("anhu protection show|check|load", None),
        ("anhu broker sync --closed-shared", "no option --closed-shared"),
        ("X=1 anhu serve --roles a  # and --nothing", None),
        ("systemctl restart anhu", None),
    ],
)
def test_a_command_that_is_not_there_is_found(line: str, problem: str | None) -> None:
    assert [found for told in ANHU.findall(line) if (found := wrong(told.split()))] == ([problem] if problem else [])


@each_page
def test_every_make_target_is_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    told = {name for line in code_of(page) for name in re.findall(r"(?:^|&& )make (?:-C \S+ )?([a-z][a-z-]*)", line)}
    assert told <= targets
    measured = {name for line in code_of(page) for name in re.findall(r"\bONLY=([a-z_]+)", line)} - {"group"}
    assert measured <= set(groups.names())


# --- settings -----------------------------------------------------------------------------------------------------


@cache
def settings() -> set[str]:
    """The names of all settings, as environment variables."""
    return {each.variable for group in settings_page.groups() for each in group.settings}


@cache
def in_the_source() -> set[str]:
    """Variables that programs, scripts and units name outright."""
    files = tracked("*.py", "*.sh", "*.service", "compose.yaml", "deploy/*.yaml", "Makefile", "*.ts")
    texts = [path.read_text("utf-8") for path in files if path != Path(__file__)]
    return {name for text in texts for name in re.findall(r"\bANHU_[A-Z0-9_]*[A-Z0-9]\b", text)}


@each_page
def test_every_variable_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"\bANHU_[A-Z0-9_]*[A-Z0-9]\b(?!_?[*…])", text))
    for row in text.splitlines():  # `ANHU_PIPELINE_BATCH_COUNT_MAX`, `_BATCH_AGE_MS_MAX`
        first = re.search(r"`(ANHU_(?:[A-Z]+_)?)[A-Z0-9_]+`", row)
        if first:
            named |= {first[1].rstrip("_") + name for name in re.findall(r"`(_[A-Z0-9_]+)`", row)}
    assert named - settings() - in_the_source() == set()


def test_every_setting_is_told() -> None:
    told = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert told == settings_page.page(), "run: .venv/bin/python docs/settings_page.py"
    assert len(settings()) > 100
    assert all(f"`{name}`" in told for name in settings())
    assert settings_page.ABOUT.keys() <= settings()


# --- words of the page --------------------------------------------------------------------------------------------


@cache
def words(language: str) -> str:
    """All texts of the web page in a language."""
    folder = ROOT / "dashboard" / "web" / "src" / "locales"
    return "\n".join(path.read_text("utf-8") for path in [folder / f"{language}.ts", *(folder / language).glob("*.ts")])


@pytest.mark.parametrize("page", GUIDES, ids=named)
def test_what_a_guide_prints_bold_stands_on_the_page(page: Path) -> None:
    """In the guides bold type is for what can be read on the screen, and for nothing else."""
    shown = words({"zh": "zh-CN", "en": "en"}[page.parent.name])
    bold = BOLD.findall(CODE.sub("", FENCE.sub("", page.read_text("utf-8"))))
    assert [each for each in bold if each not in shown] == []


def test_each_guide_is_there_in_both_languages() -> None:
    chinese, english = ({path.name for path in (ROOT / "docs" / name).iterdir()} for name in ("zh", "en"))
    assert chinese == english
