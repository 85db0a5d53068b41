"""What people do in Stripe's Dashboard, at banks and at Stripe: levers under `/control/stripe`, JSON in and out.

What an object becomes is the answer; events follow as Stripe sends them.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, jsonify, request

from discuno.sandbox.stripe import (
    balance,
    banks,
    disputes,
    onboarding,
    pay,
    payouts,
    radar,
    refunds,
    tick,
    traffic,
    transfers,
)
from discuno.sandbox.stripe.desk import Ask, Desk, shown
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.world import Record

Said = dict[str, Any]


def said() -> Said:
    """What a lever was told, as JSON or as a form."""
    return request.get_json(silent=True) or request.form.to_dict()


class StripeLevers:
    """One method a lever; each is given the id in its path, if any, and what was said."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> tuple[tuple[str, str, Callable[..., Response]], ...]:
        """Method, path below `/control/stripe` and view of every lever."""
        records: dict[str, Callable[..., Record]] = {
            "/accounts/<of>": self.account,
            "/accounts/<of>/onboard": self.onboard,
            "/accounts/<of>/bank": self.bank,
            "/accounts/<of>/close": self.close,
            "/charges/<of>/dispute": self.dispute,
            "/charges/<of>/fraud_warning": self.fraud_warning,
            "/charges/<of>/refund": self.refund,
            "/charges/<of>/review": self.review,
            "/disputes/<of>": self.steer_dispute,
            "/disputes/<of>/settle": self.settle_dispute,
            "/payouts/<of>/settle": self.end_payout,
            "/refunds/<of>/settle": self.end_refund,
            "/reviews/<of>/close": self.close_review,
            "/transfers": self.transfer,
            "/transfers/<of>/reverse": self.reverse,
            "/balance": self.balance,
            "/settlement": self.settlement,
            "/limits": self.limits,
        }
        return (
            *(("POST", path, self._whole(lever)) for path, lever in records.items()),
            ("POST", "/sessions/<session>/pay", self.pay),
            ("GET", "/requests", self.requests),
            ("DELETE", "/requests", self.forget_requests),
        )

    def _whole(self, lever: Callable[..., Record]) -> Callable[..., Response]:
        """The view of a lever: the change is whole, comes after all that is due, and answers with its object."""

        def view(**of: str) -> Response:
            with self.desk.world.lock:
                tick.run(self.desk)
                try:
                    return jsonify(shown(lever(*of.values(), said())))
                except (KeyError, TypeError, ValueError) as wrong:
                    raise Refusal(f"This lever could not read what it was told: {wrong!r}") from wrong

        view.__doc__ = lever.__doc__  # the page for people shows it
        return view

    def account(self, account: str, told: Said) -> Record:
        """Flip `transfers` (active, inactive, pending), `payouts_enabled`, `payouts_fail`, or set `requirements`."""
        return onboarding.steer(self.desk, account, told)

    def onboard(self, account: str, _told: Said) -> Record:
        """Finish onboarding, as the mentor would on Stripe's pages."""
        return onboarding.onboard(self.desk, account)

    def bank(self, account: str, _told: Said) -> Record:
        """The mentor enters a good bank account; after a failed payout this makes payouts work again."""
        return banks.mend(self.desk, account)

    def close(self, account: str, told: Said) -> Record:
        """The account leaves the platform; `quiet`: without the event, as Stripe does for Express accounts."""
        return onboarding.close(self.desk, account, quiet=bool(told.get("quiet", False)))

    def dispute(self, charge: str, told: Said) -> Record:
        """The buyer disputes a charge: `reason`, `amount`, and `inquiry` or a `status` such as prevented."""
        status = disputes.INQUIRY if told.get("inquiry") else told.get("status", "needs_response")
        reason = told.get("reason", "fraudulent")
        return disputes.open_dispute(self.desk, charge, reason, status, told.get("amount"))

    def steer_dispute(self, dispute: str, told: Said) -> Record:
        """The bank sets any `status`, also an unknown one, or `due_by`."""
        return disputes.steer(self.desk, dispute, told)

    def settle_dispute(self, dispute: str, told: Said) -> Record:
        """The bank decides: `outcome` won or lost."""
        return disputes.settle(self.desk, dispute, told["outcome"])

    def fraud_warning(self, charge: str, _told: Said) -> Record:
        """The card network warns of fraud."""
        return radar.warn(self.desk, charge)

    def review(self, charge: str, told: Said) -> Record:
        """A payment is put under review, for the `reason` rule or manual."""
        return radar.review(self.desk, charge, told.get("reason", "rule"))

    def close_review(self, review: str, told: Said) -> Record:
        """Somebody decides a review: `reason` approved, refunded, refunded_as_fraud, disputed…"""
        return radar.close(self.desk, review, told.get("reason", "approved"))

    def refund(self, charge: str, told: Said) -> Record:
        """Somebody refunds a charge in the Dashboard, wholly or by `amount`."""
        return refunds.create(self.desk, Ask({**told, "charge": charge}, {}))

    def end_refund(self, refund: str, told: Said) -> Record:
        """What becomes of a refund: `status` succeeded, failed or canceled; booked money comes back."""
        return refunds.end(self.desk, refund, told["status"])

    def transfer(self, told: Said) -> Record:
        """Somebody transfers in the Dashboard: `destination`, `amount`, `currency`, `source_transaction`…"""
        return transfers.create(self.desk, Ask({"currency": "usd", **told}, {}))

    def reverse(self, transfer: str, told: Said) -> Record:
        """Somebody reverses a transfer in the Dashboard, wholly or by `amount`."""
        return transfers.reverse(self.desk, Ask(told, {"id": transfer}))

    def end_payout(self, payout: str, told: Said) -> Record:
        """What becomes of a payout: `status` paid, failed (also once paid; `failure_code`) or canceled."""
        return payouts.end(self.desk, payout, told["status"], told.get("failure_code", "account_closed"))

    def balance(self, told: Said) -> Record:
        """Money comes or goes (`amount` below 0) on the platform's balance or that of an `account`."""
        account, currency = told.get("account"), told.get("currency", "usd").lower()
        if account is not None:
            self.desk.load("account", account)
        return balance.adjust(self.desk, account, int(told["amount"]), currency)

    def settlement(self, told: Said) -> Record:
        """How many `days` charges stay pending from now on, or what reaches this `account` does."""
        account = told.get("account")
        name = balance.arrival_setting(account) if account else "settlement_days"
        self.desk.change_setting(name, int(told["days"]))
        return {"ok": True}

    def limits(self, told: Said) -> Record:
        """Requests a second of wall time, `per_endpoint` and `global`; 0 lifts a limit."""
        for word, name in (("per_endpoint", traffic.PER_ENDPOINT), ("global", traffic.GLOBAL)):
            if word in told:
                self.desk.change_setting(name, int(told[word]))
        return {
            "per_endpoint": self.desk.setting(traffic.PER_ENDPOINT, 0),
            "global": self.desk.setting(traffic.GLOBAL, 0),
        }

    def requests(self) -> Response:
        """Requests since the start or the last DELETE here: by endpoint, rejected, and the busiest second."""
        return jsonify(current_app.extensions["stripe_traffic"].seen())

    def forget_requests(self) -> Response:
        """Begin to count requests anew, with full token buckets."""
        current_app.extensions["stripe_traffic"].forget()
        return jsonify(ok=True)

    def pay(self, session: str) -> Response:
        """Pay a session as a browser would, passing any challenge unless `challenge` is "fail"."""
        told = said()
        secret = self.desk.load("checkout.session", session)["client_secret"]
        room = (self.desk.world, self.desk.courier, self.desk.settings)
        method = pay.tokenize(self.desk.world, told.get("card", "4242424242424242"), 12, 2040, "123", "94110")
        if "error" in method:
            return jsonify(type="error", error=method["error"])
        result = pay.confirm(
            *room, secret, method["id"], email=told.get("email"), billing=None, return_url=None
        )
        if result["type"] == "challenge" and told.get("challenge") != "leave":
            intent, passed = result["payment_intent"], told.get("challenge") != "fail"
            result = pay.finish_challenge(*room, intent, passed=passed)
        return jsonify(result)
