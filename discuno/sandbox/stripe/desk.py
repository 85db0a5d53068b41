"""Where the stand-in's objects are kept and fetched, under Stripe's own names."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import stripe

from discuno.sandbox.courier import Courier
from discuno.sandbox.settings import SandboxSettings
from discuno.sandbox.stripe.errors import missing
from discuno.sandbox.world import Record, World

API_VERSION = stripe.api_version
PREFIXES = {
    "cs_": "checkout.session",
    "pi_": "payment_intent",
    "pm_": "payment_method",
    "ch_": "charge",
    "py_": "charge",
    "txn_": "balance_transaction",
    "re_": "refund",
    "tr_": "transfer",
    "trr_": "transfer_reversal",
    "acct_": "account",
    "po_": "payout",
    "du_": "dispute",
    "prv_": "review",
    "issfr_": "radar.early_fraud_warning",
    "evt_": "event",
    "file_": "file",
}


@dataclass(frozen=True)
class Desk:
    """The world, the courier and the settings, handed to everything that acts as Stripe."""

    world: World
    courier: Courier
    settings: SandboxSettings

    @property
    def now(self) -> int:
        """Unix seconds in the sandbox's time."""
        return self.world.now()

    def new(self, prefix: str, obj: str, **fields: Any) -> Record:
        """A record of Stripe's kind `obj`, not saved yet."""
        record_id = self.world.new_id(prefix)
        return {"id": record_id, "object": obj, "created": self.now, "livemode": False, **fields}

    def save(self, record: Record) -> Record:
        """Keep a record under its `object` and `id`."""
        return self.world.put(f"stripe.{record['object']}", record)

    def get(self, obj: str, record_id: str) -> Record | None:
        """A record, or None."""
        return self.world.get(f"stripe.{obj}", record_id)

    def load(self, obj: str, record_id: str, param: str = "id", status: int = 404) -> Record:
        """A record, or Stripe's `resource_missing`."""
        record = self.get(obj, record_id)
        if record is None:
            raise missing(obj.rsplit(".", 1)[-1], record_id, param, status)
        return record

    def find(self, obj: str, **fields: Any) -> Iterator[Record]:
        """Records of a kind with these fields, oldest first."""
        return self.world.find(f"stripe.{obj}", **fields)

    def pick(self, obj: str, params: dict[str, Any], *names: str, **fields: Any) -> list[Record]:
        """Records of a kind with these fields and, where given, the parameters of these names."""
        return list(self.find(obj, **fields, **{name: params[name] for name in names if name in params}))

    def known(self, record_id: str) -> Record | None:
        """Whatever object has this id, told by its prefix."""
        prefix = record_id.split("_", 1)[0] + "_"
        return self.get(PREFIXES[prefix], record_id) if prefix in PREFIXES else None

    def setting(self, name: str, default: int) -> int:
        """A number the control page may change."""
        row = self.world.get("stripe.setting", name)
        return int(row["value"]) if row else default

    def change_setting(self, name: str, value: int) -> None:
        """Change a number of this stand-in."""
        self.world.put("stripe.setting", {"id": name, "value": value})


@dataclass(frozen=True)
class Ask:
    """One checked request: its parameters, the ids in its path, and the account it acts for."""

    params: dict[str, Any]
    ids: dict[str, str]
    account: str | None = None  # Stripe-Account header


def shown(value: Any) -> Any:
    """A deep copy without our own marks (keys that begin with an underscore)."""
    if isinstance(value, dict):
        return {
            key: dict(item) if key == "metadata" and isinstance(item, dict) else shown(item)
            for key, item in value.items()
            if not key.startswith("_")
        }
    return [shown(item) for item in value] if isinstance(value, list) else value


def metadata(old: dict[str, str], change: dict[str, str] | str | None) -> dict[str, str]:
    """Metadata after an update: empty values unset keys, an empty string unsets all."""
    if change == "":
        return {}
    merged = {**old, **(change if isinstance(change, dict) else {})}
    return {key: value for key, value in merged.items() if value != ""}
