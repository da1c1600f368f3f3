"""The registry of the measurements: 2,000 devices in 20 institutions, four points each."""

from typing import Final

from ingest.registry_file import DeviceDraft, Draft, InstitutionDraft, ZoneDraft

INSTITUTION_COUNT: Final = 20
DEVICES_EACH: Final = 100
DEVICE_COUNT: Final = INSTITUTION_COUNT * DEVICES_EACH
PROBE_COUNT: Final = 48  # the last devices: their rows are watched one by one
LOADED_COUNT: Final = DEVICE_COUNT - PROBE_COUNT
QUIET: Final = ("smoke_obscuration", "temperature", "battery")  # what an ordinary message holds
QUANTITIES: Final = (*QUIET, "smoke_alarm")
ZONE_KINDS: Final = ("bedroom", "corridor", "kitchen", "dining", "activity")
# So long that nobody counts as lost between two loads.
REPORT_INTERVAL_S: Final = 3600


def institution_code(number: int) -> str:
    """Of the institution that device `number` stands in."""
    return f"bench-{number // DEVICES_EACH + 1:03d}"


def device_code(number: int) -> str:
    """Of device `number`, unique among all."""
    return f"dev-{number:04d}"


def topic(number: int) -> str:
    """Where device `number` publishes."""
    return f"anhu/v1/{institution_code(number)}/{device_code(number)}/readings"


def draft() -> Draft:
    """The registry, as an import takes it."""
    found = Draft()
    for number in range(DEVICE_COUNT):
        code = institution_code(number)
        institution = found.institutions.setdefault(
            code, InstitutionDraft(code, f"测试院 {code}", f"Bench Home {code}", "nursing_home", "220322")
        )
        kind = ZONE_KINDS[number % len(ZONE_KINDS)]
        zone = institution.zones.setdefault(kind, ZoneDraft(kind, kind, kind, kind, 1))
        name = device_code(number)
        zone.devices[name] = DeviceDraft(name, name, "multi", "BENCH", REPORT_INTERVAL_S, QUANTITIES)
    return found
