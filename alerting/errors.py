"""What can go wrong with rules and alerts; the docstring is the default message."""

from datetime import timedelta


class AlertingError(Exception):
    """The alert could not be changed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class IllegalVerb(AlertingError):
    """The alert does not allow this now."""


class StaleVersion(AlertingError):
    """Somebody else changed it meanwhile."""


class AlertUnknown(AlertingError):
    """There is no such alert."""


class RulesInvalid(AlertingError):
    """The rule file has errors; nothing was loaded."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class BacktestOverflow(AlertingError):
    """These rules raise more alerts than a backtest holds."""


class RulesUnknown(AlertingError):
    """There is no such version of the rules."""


class PolicyInvalid(RulesInvalid):
    """The escalation policy has errors; nothing was loaded."""


class RotationRefused(AlertingError):
    """This rotation cannot be."""


class RotationUnknown(AlertingError):
    """There is no such rotation or stand-in, or it is over."""


class StandInRefused(AlertingError):
    """This person cannot stand in like this."""


class ContactInvalid(AlertingError):
    """This address cannot be used with this channel."""


class OutboxUnavailable(AlertingError):
    """What is to be sent cannot be read or noted just now."""


class JournalUnavailable(OutboxUnavailable):
    """The notifier's memory on disk cannot be used."""


class LinkRefused(AlertingError):
    """The link cannot be used."""


class SuppressionRefused(AlertingError):
    """These alarms cannot be kept quiet like this."""


class SuppressionTooLong(SuppressionRefused):
    """These alarms cannot be kept quiet for so long."""

    def __init__(self, longest: timedelta) -> None:
        self.longest = longest
        super().__init__(f"at most {longest} in one go")


class SigningKeyUnusable(AlertingError):
    """The key that signs the ledger cannot be used."""


class DrillRefused(AlertingError):
    """No drill can be held here now."""


class DrillUnknown(AlertingError):
    """There is no such drill."""


class DutyCheckRefused(AlertingError):
    """The duty check cannot be called or answered now."""


class DutyCheckUnknown(AlertingError):
    """There is no such duty check."""


class HandoverRefused(AlertingError):
    """This cannot be signed here now."""

    def __init__(self, refusal: str) -> None:
        self.refusal = str(refusal)
        super().__init__(f"cannot be signed: {self.refusal.replace('_', ' ')}")


class HandoverUnknown(AlertingError):
    """There is no such handover."""


class PlanInvalid(AlertingError):
    """The emergency plan has errors; nothing was kept."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ModelUnreadable(AlertingError):
    """The data file of a learnt detector cannot be used."""


class FloorPlanRefused(AlertingError):
    """This picture, or these marks, cannot be a floor plan."""


class FloorPlanUnknown(AlertingError):
    """There is no floor plan of this floor."""
