"""What the dashboard refuses; the docstring is the default message, problems.py gives each its HTTP status."""


class DashboardError(Exception):
    """The request cannot be served."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class NotSignedIn(DashboardError):
    """Nobody is signed in, or the session has ended."""


class TokenRefused(DashboardError):
    """The token opens nothing: it is unknown, has expired or was revoked."""


class WrongCredentials(DashboardError):
    """The user name or the password is wrong."""


class WrongCode(WrongCredentials):
    """The code is wrong, too old, or was used before."""


class SecondFactorWanted(DashboardError):
    """The password is right; the code of your authenticator, or a recovery code, is wanted as well."""


class SecondFactorRequired(DashboardError):
    """Your role signs in with a second factor: enrol one first."""


class SecondFactorRefused(DashboardError):
    """The second factor cannot be changed like this."""


class AccountKeyUnusable(DashboardError):
    """The key of the accounts cannot be used."""


class CertificateUnusable(DashboardError):
    """The certificate or the key of the page cannot be used."""


class ProviderMissing(DashboardError):
    """There is no provider to sign in at."""


class ProviderUnavailable(DashboardError):
    """The provider cannot be asked just now."""


class ProviderRefused(DashboardError):
    """The provider does not say who somebody is, or not in a way that can be believed."""


class IdentityTaken(DashboardError):
    """This subject is somebody else here already, or they are another one there."""


class AccessTokenRefused(DashboardError):
    """There can be no such token."""


class TooManyAttempts(DashboardError):
    """There were too many attempts to sign in; wait before the next one."""

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__()


class TooManyQuestions(TooManyAttempts):
    """Too many people ask at the same time; ask again in a moment."""

    def __init__(self) -> None:
        super().__init__(retry_after_s=2)


class NotPermitted(DashboardError):
    """Your role does not permit this."""


class PasswordChangeRequired(DashboardError):
    """Choose a password of your own first."""


class PasswordUnfit(DashboardError):
    """The new password is too easily guessed: choose another one, without your user name in it."""


class UsernameTaken(DashboardError):
    """Somebody else has this user name."""


class OriginRefused(DashboardError):
    """The request comes from another site."""


class NotFound(DashboardError):
    """There is no such thing."""


class BadRequest(DashboardError):
    """The request does not make sense."""


class BodyTooLarge(DashboardError):
    """The request is too large."""


class BodyTooSlow(DashboardError):
    """The request came too slowly."""


class Busy(DashboardError):
    """This is being done already: ask again in a while."""


class BrokerRefused(DashboardError):
    """The broker's accounts cannot be changed from here."""


class UserUnknown(DashboardError):
    """There is no such user."""
