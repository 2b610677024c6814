"""An FIU that uses the Unaport FIU API v2.0.0."""

from __future__ import annotations

from typing import Any, Optional

from .http import call
from .world import World


class UnaportFiu:
    """A backend that is logged in at Unaport. Unaport signs, encrypts and decrypts in its place."""

    def __init__(self, world: World, email: str = "dev@lender.example") -> None:
        self.world = world
        self._common = f"{world.base_url}/api/v1"
        self._app = f"{world.base_url}/backend-v2/api/v2/FIU"
        login = call("POST", f"{self._common}/public/user/login", {"emailId": email, "password": "any-password"})
        self._headers = {"authorization": f"Bearer {login['access_token']}"}
        self.org_id = str(self.call("GET", f"{self._common}/FIU/getClientOrganisation")["orgId"])
        self._template: Optional[str] = None

    def call(self, method: str, url: str, body: Any = None) -> Any:
        """Calls a path below the application's URL, such as `GetConsent/…`, or a whole URL."""
        return call(method, url if "://" in url else f"{self._app}/{url}", body, self._headers)

    def save_template(self, **changes: Any) -> str:
        """Saves a template of consents, for twelve months of deposits; returns its id. `changes` replace its fields."""
        detail = {
            "consentStart": self.world.now, "consentExpiry": "12", "consentMode": "STORE", "fetchType": "ONETIME",
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
            "DataConsumer": {"id": "UNACORES-FIU-UAT"}, "Purpose": {"code": "101"},
            "FIDataRange": {"from": "-12", "to": "0"}, "DataLife": {"unit": "YEAR", "value": 1},
            "Frequency": {"unit": "MONTH", "value": 1}, **changes,
        }
        content = {"product_name": "Twelve months of deposits", "ConsentDetail": detail}
        return str(self.call("POST", f"InsertProduct/{self.org_id}", content)["productId"])

    def raise_consent(self, mobile: str = "9876543210", template: Optional[str] = None, **changes: Any) -> dict[str, Any]:
        """Raises a consent for a mobile number; returns the answer with `ConsentHandle` and `redirectUrl`."""
        if template is None:
            self._template = self._template or self.save_template()
            template = self._template
        content = {
            "vuaId": "", "mobileNumber": mobile, "createdBy": "dev@lender.example", "trackingId": "LOAN-4711",
            "aaId": "UNACORES-AA-UAT", "fiuId": "UNACORES-FIU-UAT", "fiuBaseUrl": "https://lender.example",
            "redirectUrl": "https://lender.example/back", "productId": template, **changes,
        }
        return self.call("POST", f"Consents/product/{self.org_id}", content)  # type: ignore[no-any-return]

    def consent(self, handle: str) -> Any:
        """Returns the consent as Unaport shows it."""
        return self.call("GET", f"GetConsent/{handle}")

    def fetch_data(self, handle: str) -> Any:
        """Returns the data of the newest session of a consent, which Unaport has requested by itself."""
        notifications = self.call("GET", f"FINotification/{handle}")["data"]
        if not notifications:
            raise AssertionError(f"no data of the consent {handle} has been announced; wait for /FI/Notification")
        session = notifications[-1]["FIStatusNotification"]["sessionId"]
        return self.call("GET", f"FifetchDataBySessionId/{session}")
