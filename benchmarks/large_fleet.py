"""Registries of a hundred thousand devices and more: as many institutions as are asked for, a hundred devices each."""

from typing import Final

from benchmarks.fleet import QUANTITIES, ZONE_KINDS
from ingest.registry_file import DeviceDraft, Draft, InstitutionDraft, ZoneDraft

DEVICES_EACH: Final = 100
COUNTIES: Final = 60


def institution_code(number: int) -> str:
    """Of institution `number`."""
    return f"home-{number:04d}"


def device_code(number: int) -> str:
    """Of device `number`, unique among all."""
    return f"dev-{number:06d}"


def topic(number: int) -> str:
    """Where device `number` publishes."""
    return f"anhu/v1/{institution_code(number // DEVICES_EACH)}/{device_code(number)}/readings"


def draft(institutions: int, report_interval_s: int) -> Draft:
    """The registry: five zones of twenty devices in each institution, the institutions over sixty counties."""
    found = Draft()
    for home in range(institutions):
        code = institution_code(home)
        county = f"22{home % COUNTIES // 10 + 1:02d}{home % 10 + 1:02d}"
        drafted = InstitutionDraft(code, f"测试院 {code}", f"Bench Home {code}", "nursing_home", county)
        for kind in ZONE_KINDS:
            drafted.zones[kind] = ZoneDraft(kind, kind, kind, kind, 1)
        for place in range(DEVICES_EACH):
            name = device_code(home * DEVICES_EACH + place)
            zone = drafted.zones[ZONE_KINDS[place % len(ZONE_KINDS)]]
            zone.devices[name] = DeviceDraft(name, name, "multi", "BENCH", report_interval_s, QUANTITIES)
        found.institutions[code] = drafted
    return found
