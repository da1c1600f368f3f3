"""What the front door cannot do; the docstring is the default message.

Only the standard library: the bootstrap runs this before anything is installed.
"""

from anhu.language import Language, text


class AnhuError(Exception):
    """The command could not be carried out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class RuntimeUnavailable(AnhuError):
    """The embedded database and broker cannot be had on this machine; `str()` names the other way to get them."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{own_servers()}"


class SystemUnsupported(RuntimeUnavailable):
    """The private runtime is unpacked from Debian packages, and this system is not Debian."""


class DownloadFailed(RuntimeUnavailable):
    """The packages of the private runtime could not be downloaded."""


class UnpackFailed(RuntimeUnavailable):
    """The packages of the private runtime could not be unpacked."""


class ProgramsUnsuitable(RuntimeUnavailable):
    """The programs found cannot read the data folder."""


class ServicesFailed(AnhuError):
    """The embedded services did not start or did not stay up."""


class DataFolderInUse(ServicesFailed):
    """Another process runs the embedded services in this data folder."""


class DataFolderUnusable(ServicesFailed):
    """The data folder cannot be used."""


class RolesFailed(AnhuError):
    """A role of the service keeps failing."""


class BackupFailed(AnhuError):
    """No backup could be made."""


class BackupUnsound(AnhuError):
    """The backup is not whole, or what came back is not what it says."""


class DeviceUnknown(AnhuError):
    """No such device is registered."""


class BacktestImpossible(AnhuError):
    """The stored readings cannot be judged anew."""


class EvaluationFailed(AnhuError):
    """The recordings could not be evaluated."""


class LearningUnavailable(EvaluationFailed):
    """Learning needs scikit-learn: install the dependency group `learn`."""


class RecordingUnreadable(EvaluationFailed):
    """A recording cannot be read, or holds none of what this evaluation needs."""


class BrokerControlFailed(AnhuError):
    """The broker's accounts could not be read or changed."""


def own_servers(language: Language | None = None) -> str:
    """How to run without the embedded services."""
    return text(
        "也可以使用自己的服务器：设置 ANHU_DATABASE_URL 和 ANHU_MQTT_URL，或用 deploy/compose.yaml 启动它们"
        "（说明见 deploy/README.md）。",
        "Servers of your own work too: set ANHU_DATABASE_URL and ANHU_MQTT_URL, or start them with deploy/compose.yaml "
        "(see deploy/README.md).",
        language,
    )


class CertificatesUnusable(AnhuError):
    """Certificates for TLS are missing, cannot be read, or do not belong together."""


class PlaceUnknown(AnhuError):
    """There is no such institution or region."""


class FirstStepsIncomplete(AnhuError):
    """Not every step is done yet."""
