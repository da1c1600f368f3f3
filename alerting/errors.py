"""What can go wrong with rules and alerts; the docstring is the default message."""

from datetime import timedelta


class AlertingError(Exception):
    """The alert could not be changed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class IllegalVerb(AlertingError):
    """The alert does not allow this now."""


class StaleVersion(AlertingError):
    """Somebody else changed the alert meanwhile."""


class AlertUnknown(AlertingError):
    """There is no such alert."""


class RulesInvalid(AlertingError):
    """The rule file has errors; nothing was loaded."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SuppressionRefused(AlertingError):
    """These alarms cannot be kept quiet like this."""


class SuppressionTooLong(SuppressionRefused):
    """These alarms cannot be kept quiet for so long."""

    def __init__(self, longest: timedelta) -> None:
        self.longest = longest
        super().__init__(f"at most {longest} in one go")


class SigningKeyUnusable(AlertingError):
    """The key that signs the ledger cannot be used."""
