"""What can go wrong between the wire and the table; the docstring is the default message."""

from enum import StrEnum


class IngestError(Exception):
    """The reading could not be taken in."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class UnitMismatch(IngestError):
    """The unit does not belong to the quantity."""


class BadTime(IngestError):
    """The time cannot be read."""


class FileInvalid(IngestError):
    """A file that people write has errors, each with its line where that is known."""

    def __init__(self, problems: list[tuple[int | None, str]]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"line {line}: {text}" if line else text for line, text in problems))


class RegistryFileInvalid(FileInvalid):
    """The registry file has errors; nothing was imported."""


class RoutesInvalid(FileInvalid):
    """The routes file has errors; none of its routes is in force."""


class MigrationConflict(IngestError):
    """An applied migration differs from the file that now bears its number."""


class DatabaseUnavailable(IngestError):
    """The database does not answer."""


class ShardTaken(DatabaseUnavailable):
    """Another pipeline holds this shard."""


class SpoolTaken(IngestError):
    """Another process of this machine uses this spool."""


class ShardsDiffer(IngestError):
    """The number of shards is another one in this installation."""


class BrokerUnavailable(IngestError):
    """The broker does not answer."""


class ClaimRefused(IngestError):
    """This cannot be registered."""


class DeviceRegistered(ClaimRefused):
    """The device is registered already."""


class PlaceRefused(IngestError):
    """This cannot be added to the registry."""


class PlaceTaken(PlaceRefused):
    """There is one with this code already."""


class DatesRefused(IngestError):
    """These cannot be a device's dates."""


class DeviceUnknown(IngestError):
    """There is no such device."""


class NotHeard(ClaimRefused):
    """Nothing of that has been heard that is not registered."""


class DrillMessageRefused(IngestError):
    """This is no drill the service has called for."""


class PanelAway(IngestError):
    """This fire panel is not connected."""


class PanelSilent(IngestError):
    """The fire panel does not answer."""


class Refusal(StrEnum):
    """Why a message, or one reading of it, became a dead letter."""

    TOPIC_UNKNOWN = "topic_unknown"
    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    BAD_SHAPE = "bad_shape"
    BAD_TYPE = "bad_type"
    BAD_TIME = "bad_time"
    NOT_FINITE = "not_finite"
    FUTURE = "future"
    ANCIENT = "ancient"
    UNIT_MISMATCH = "unit_mismatch"
    QUANTITY_UNKNOWN = "quantity_unknown"
    UNCLAIMED_FULL = "unclaimed_full"
    STORE_REFUSED = "store_refused"
    DECODER_FAILED = "decoder_failed"
    DRILL_REFUSED = "drill_refused"
    BEYOND_RANGE = "beyond_range"
    WEAR_UNKNOWN = "wear_unknown"
    FRAME_DENIED = "frame_denied"
    RETAINED_UNDATED = "retained_undated"
    SEQUENCE_GAP = "sequence_gap"
    ALIAS_UNKNOWN = "alias_unknown"
