"""The alarm rules: those in force, earlier ones, what differs, and trying others on stored readings."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerting.alert import Kind, Priority
from alerting.rules_operate import REASON_LENGTH_MAX
from dashboard.backtests import JobState
from dashboard.schemas.alerts import AlertDevice, AlertInstitution, AlertZone
from dashboard.schemas.base import Moment, Shape, Text

TEXT_LENGTH_MAX = 200_000
TomlText = Annotated[Text, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]


class RuleWords(Shape):
    """One rule or combination in words. Empty lists of kinds mean all; a `sign` raises nothing by itself. Of a
    combination `quantity` is null."""

    id: str
    kind: Kind
    priority: Priority
    quantity: str | None
    sign: bool
    combination: bool
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    clause_zh: str
    clause: str
    clause_verified: bool
    institution_kinds: list[str]
    zone_kinds: list[str]
    zone_kinds_except: list[str]


class FieldChange(Shape):
    """One field of a rule, as it was and as it would be."""

    field: str
    before: str
    after: str


class RuleChange(Shape):
    """What changed in one rule, or in `supervision`."""

    id: str
    fields: list[FieldChange]


class RulesDifference(Shape):
    """From one rule set to another: ids. Of those in `wording` only titles or clauses changed."""

    added: list[str]
    removed: list[str]
    changed: list[RuleChange]
    wording: list[str]


class Shipped(Shape):
    """The rules that ship with this version of Anhu. `newer` is null where the version in force is a name of somebody's
    own; the difference is from the rules in force to the shipped ones."""

    version: str
    same: bool
    newer: bool | None
    difference: RulesDifference


class RuleVersion(Shape):
    """A rule set that is or was in force."""

    id: int
    version: str
    sha256: str
    loaded_at: Moment
    loaded_by: str
    reason: str


class RulesInForce(Shape):
    """The rules in force; `in_force` is null before a pipeline first ran, when those that ship will be."""

    in_force: RuleVersion | None
    version: str
    sha256: str
    rules: list[RuleWords]
    shipped: Shipped


class RuleVersions(Shape):
    """The newest first; ask again with `next_before` for those before."""

    items: list[RuleVersion]
    next_before: int | None


class RuleVersionText(Shape):
    """One version: its text, and what it changed of the one before it."""

    id: int
    text: str
    difference: RulesDifference | None


class RulesRequest(BaseModel):
    """The text of a rule file."""

    model_config = ConfigDict(extra="forbid")

    text: TomlText


class RulesProblem(Shape):
    """Something wrong in the file; `line` is null where it is about the whole."""

    line: int | None
    text: str


class RulesCheck(Shape):
    """What a rule file is: nothing but `problems` where there are any. The difference is from the rules in force."""

    problems: list[RulesProblem]
    version: str
    sha256: str
    rule_count: int
    combination_count: int
    unverified: list[str]
    difference: RulesDifference | None


class LoadRequest(RulesRequest):
    """Rules to put in force, and why. `standing_sha256`: those that were in force when this was decided."""

    reason: Annotated[Text, Field(min_length=1, max_length=REASON_LENGTH_MAX)]
    standing_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Loaded(Shape):
    """Whether the rules are new."""

    version: str
    loaded: bool


class BacktestRequest(RulesRequest):
    """Rules to be tried on what was measured in [begin, end)."""

    begin: AwareDatetime
    end: AwareDatetime


class BacktestExample(Shape):
    """An alert that differs; `shift_s` says how much later it comes, negative for earlier, null for more and less."""

    change: Literal["more", "less", "earlier", "later"]
    kind: Kind
    priority: Priority
    rule: str
    at: Moment
    shift_s: float | None
    institution: AlertInstitution | None
    zone: AlertZone | None
    device: AlertDevice | None


class BacktestCounts(Shape):
    """How many alerts of each sort."""

    more: int
    less: int
    earlier: int
    later: int
    same: int


class Backtest(Shape):
    """A backtest as it stands; `counts` and `examples` once it is done."""

    number: int
    state: JobState
    by: str
    version: str
    begin: Moment
    end: Moment
    begun_at: Moment
    share: float
    reading_count: int
    problem: str
    counts: BacktestCounts | None
    examples: list[BacktestExample]


class BacktestState(Shape):
    """The one that runs or ran last, null before the first; and how many days one may span."""

    backtest: Backtest | None
    days_max: float
