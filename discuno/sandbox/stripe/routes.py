"""Which request does what, and which of the SDK's types its parameters must have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stripe import params as p
from stripe.params import checkout
from stripe.params import radar as suspicions
from stripe.params.v2 import core

from discuno.sandbox.stripe import (
    account_links,
    accounts,
    accounts_v2,
    balance,
    balance_settings,
    charges,
    disputes,
    events,
    files,
    payouts,
    radar,
    refunds,
    sessions,
    transfers,
)
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.world import Record


@dataclass(frozen=True)
class Route:
    """One endpoint; `refuse` sees the raw parameters before the types are checked."""

    method: str
    path: str
    params: Any
    handle: Callable[[Desk, Ask], Record]
    refuse: Callable[[dict[str, Any]], None] | None = None


SESSION = "/v1/checkout/sessions"
MONEY_IN = (
    Route("POST", SESSION, checkout.SessionCreateParams, sessions.create, sessions.refuse_removed),
    Route("GET", SESSION, checkout.SessionListParams, sessions.listed),
    Route("GET", f"{SESSION}/<id>", checkout.SessionRetrieveParams, sessions.retrieve),
    Route("POST", f"{SESSION}/<id>", checkout.SessionUpdateParams, sessions.update),
    Route("POST", f"{SESSION}/<id>/expire", checkout.SessionExpireParams, sessions.expire),
    Route("GET", f"{SESSION}/<id>/line_items", checkout.SessionListLineItemsParams, sessions.list_lines),
    Route("GET", "/v1/payment_intents", p.PaymentIntentListParams, charges.list_intents),
    Route("GET", "/v1/payment_intents/<id>", p.PaymentIntentRetrieveParams, charges.retrieve_intent),
    Route("GET", "/v1/charges", p.ChargeListParams, charges.listed),
    Route("GET", "/v1/charges/<id>", p.ChargeRetrieveParams, charges.retrieve),
    Route("POST", "/v1/refunds", p.RefundCreateParams, refunds.create),
    Route("GET", "/v1/refunds", p.RefundListParams, refunds.listed),
    Route("GET", "/v1/refunds/<id>", p.RefundRetrieveParams, refunds.retrieve),
    Route("POST", "/v1/refunds/<id>", p.RefundUpdateParams, refunds.update),
    Route("GET", "/v1/disputes", p.DisputeListParams, disputes.listed),
    Route("GET", "/v1/disputes/<id>", p.DisputeRetrieveParams, disputes.retrieve),
    Route("POST", "/v1/disputes/<id>", p.DisputeUpdateParams, disputes.update),
    Route("POST", "/v1/disputes/<id>/close", p.DisputeCloseParams, disputes.close),
    Route("POST", "/v1/files", p.FileCreateParams, files.create),
    Route("GET", "/v1/files", p.FileListParams, files.listed),
    Route("GET", "/v1/files/<id>", p.FileRetrieveParams, files.retrieve),
    Route(
        "GET", "/v1/radar/early_fraud_warnings", suspicions.EarlyFraudWarningListParams, radar.list_warnings
    ),
    Route(
        "GET",
        "/v1/radar/early_fraud_warnings/<id>",
        suspicions.EarlyFraudWarningRetrieveParams,
        radar.retrieve_warning,
    ),
    Route("GET", "/v1/reviews", p.ReviewListParams, radar.list_reviews),
    Route("GET", "/v1/reviews/<id>", p.ReviewRetrieveParams, radar.retrieve_review),
    Route("POST", "/v1/reviews/<id>/approve", p.ReviewApproveParams, radar.approve),
)
REVERSALS = "/v1/transfers/<id>/reversals"
MONEY_OUT = (
    Route("POST", "/v1/transfers", p.TransferCreateParams, transfers.create),
    Route("GET", "/v1/transfers", p.TransferListParams, transfers.listed),
    Route("GET", "/v1/transfers/<id>", p.TransferRetrieveParams, transfers.retrieve),
    Route("POST", "/v1/transfers/<id>", p.TransferUpdateParams, transfers.update),
    Route("POST", REVERSALS, p.TransferReversalCreateParams, transfers.reverse),
    Route("GET", REVERSALS, p.TransferReversalListParams, transfers.list_reversals),
    Route("GET", f"{REVERSALS}/<reversal>", p.TransferReversalRetrieveParams, transfers.retrieve_reversal),
    Route("POST", "/v1/payouts", p.PayoutCreateParams, payouts.create),
    Route("GET", "/v1/payouts", p.PayoutListParams, payouts.listed),
    Route("GET", "/v1/payouts/<id>", p.PayoutRetrieveParams, payouts.retrieve),
    Route("POST", "/v1/payouts/<id>/cancel", p.PayoutCancelParams, payouts.cancel),
    Route("GET", "/v1/balance", p.BalanceRetrieveParams, balance.retrieve),
    Route("GET", "/v1/balance_settings", p.BalanceSettingsRetrieveParams, balance_settings.retrieve),
    Route("POST", "/v1/balance_settings", p.BalanceSettingsUpdateParams, balance_settings.update),
    Route("GET", "/v1/balance_transactions", p.BalanceTransactionListParams, balance.list_entries),
    Route("GET", "/v1/balance_transactions/<id>", p.BalanceTransactionRetrieveParams, balance.retrieve_entry),
)
PEOPLE = (
    Route("POST", "/v1/accounts", p.AccountCreateParams, accounts.create),
    Route("GET", "/v1/accounts", p.AccountListParams, accounts.listed),
    Route("GET", "/v1/accounts/<id>", p.AccountRetrieveParams, accounts.retrieve),
    Route("POST", "/v1/accounts/<id>", p.AccountUpdateParams, accounts.update),
    Route(
        "POST",
        "/v1/accounts/<id>/login_links",
        p.AccountLoginLinkCreateParams,
        account_links.create_login,
    ),
    Route("POST", "/v1/account_links", p.AccountLinkCreateParams, account_links.create),
    Route("POST", "/v2/core/accounts", core.AccountCreateParams, accounts_v2.create),
    Route("GET", "/v2/core/accounts", accounts_v2.ListParams, accounts_v2.listed),
    Route("POST", "/v2/core/accounts/<id>", core.AccountUpdateParams, accounts_v2.update),
    Route("GET", "/v2/core/accounts/<id>", core.AccountRetrieveParams, accounts_v2.retrieve),
    Route("POST", "/v2/core/account_links", core.AccountLinkCreateParams, account_links.create_v2),
    Route("GET", "/v1/events", p.EventListParams, events.listed),
    Route("GET", "/v1/events/<id>", p.EventRetrieveParams, events.retrieve),
)
ROUTES = (*MONEY_IN, *MONEY_OUT, *PEOPLE)
