"""Where a thing of Stripe's is seen in Stripe's own dashboard."""

from dataclasses import dataclass

HOUSE = "https://dashboard.stripe.com"
PLACES = {  # by how its id begins; whatever else there is, Stripe's own search finds
    "pi": "payments",
    "ch": "payments",
    "py": "payments",
    "re": "refunds",
    "pyr": "refunds",
    "dp": "disputes",
    "du": "disputes",
    "tr": "connect/transfers",
    "acct": "connect/accounts",
    "po": "payouts",
    "evt": "events",
}


@dataclass(frozen=True)
class StripePages:
    """The dashboard of real money, or that of test keys."""

    is_live: bool

    def of(self, stripe_id: str, account: str | None = None) -> str:
        """The page of a thing; `account` is the connected account in which it lies, if it is not ours."""
        there = f"{HOUSE}{f'/{account}' if account else ''}{'' if self.is_live else '/test'}"
        place = PLACES.get(stripe_id.partition("_")[0])
        return f"{there}/{place}/{stripe_id}" if place else f"{there}/search?query={stripe_id}"
