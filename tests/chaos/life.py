"""The life of payments as a machine that Hypothesis drives: whatever may happen, in any order, at any time."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from discuno.edges import queue
from discuno.payouts.release import release
from tests.chaos.changes import NOTHING, SALES, Changes, Sale
from tests.chaos.outside import CURRENCIES, HEALTHY, Outside
from tests.chaos.truth import Truth
from tests.house import House

MENTORS = st.sampled_from(["amara", "owen"])
CARDS = {
    "a good card": "4242424242424242",
    "one whose money is there at once": "4000000000000077",
    "one whose refunds are late": "4000000000007726",
    "one whose refunds fail": "4000000000005126",
    "one that is disputed": "4000000000000259",
    "one that is asked about": "4000000000001976",
    "one that is warned of": "4000000000005423",
}
PARTS = st.sampled_from([6000, 7000, 2000, 1])  # of 60 dollars or 70 pounds, in minor units
WHILES = {
    "5 seconds": timedelta(seconds=5),
    "a minute": timedelta(minutes=1),
    "two minutes": timedelta(minutes=2),
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "3 days": timedelta(days=3),
    "6 days": timedelta(days=6),
}
WHILE = st.sampled_from(list(WHILES))
CALLS = {
    "transfers": "POST /stripe/v1/transfers$",
    "refunds": "POST /stripe/v1/refunds$",
    "reversals": "POST /stripe/v1/transfers/[^/]+/reversals$",
    "payouts": "POST /stripe/v1/payouts$",
    "look-ups": "GET /stripe/v1/(transfers|refunds|payouts|balance)",
}
FAULTS = st.sampled_from(["drop_before", "drop_after", "error", "error_after", "rate_limit", "lock_timeout"])
STORIES = {"nothing": 0, "paid": 0, "transferred, no payouts": 1, "transferred": 1, "in the bank": 2}
MOST_SALES = 5


class Life(Changes):
    """One house and its street. Every rule is one thing that the outside does."""

    sales = SALES

    def __init__(self, house: House) -> None:
        super().__init__()
        self.outside = Outside(house)
        self.truth = Truth(self.outside)
        self.sold = 0

    def lever(self, path: str, **told: Any) -> None:
        """Somebody at Stripe, or at a bank."""
        self.outside.lever(path, **told)

    @initialize(target=sales, mentor=MENTORS, so_far=st.sampled_from(list(STORIES)))
    def begins_with(self, mentor: str, so_far: str) -> Sale:
        """A story may begin in the middle."""
        if so_far == "nothing":
            return Sale(NOTHING, mentor)
        sale = self._sell(mentor, "a good card")
        if so_far == "transferred, no payouts":
            self.lever(f"accounts/{self.outside.accounts(mentor)[-1]}", payouts_enabled=False)
        self.outside.settle_down()
        for _ in range(STORIES[so_far]):
            self.all_goes_well_for("6 days")
        return sale

    def _sell(self, mentor: str, card: str | None) -> Sale:
        """Nothing is sold when the mentor's hours cannot be bought; what then befalls the sale is nothing, too."""
        if self.sold >= MOST_SALES or not self.outside.sells(mentor):
            return Sale(NOTHING, mentor)
        self.sold += 1
        return Sale(self.outside.buys(mentor, card and CARDS[card]), mentor)

    @invariant()
    def every_promise_holds(self) -> None:
        """Our rows and Stripe's book."""
        self.truth.holds()

    # Buyers

    @rule(target=sales, mentor=MENTORS, card=st.sampled_from(list(CARDS)))
    def somebody_pays(self, mentor: str, card: str) -> Sale:
        """Nothing of ours has heard of it yet."""
        return self._sell(mentor, card)

    @rule(target=sales, mentor=MENTORS, card=st.sampled_from(list(CARDS)))
    def somebody_pays_and_all_is_settled(self, mentor: str, card: str) -> Sale:
        """And the webhooks have come."""
        sale = self._sell(mentor, card)
        self.outside.settle_down()
        return sale

    @rule(target=sales, mentor=MENTORS)
    def somebody_leaves_the_card_form(self, mentor: str) -> Sale:
        """The session will expire."""
        return self._sell(mentor, None)

    @rule(sale=sales)
    def the_hour_is_taken_at_calcom(self, sale: Sale) -> None:
        """Somebody else was quicker, on Cal.com's own page."""
        if sale.id != NOTHING and sale.mentor == "owen":
            self.outside.taken_at_calcom(sale.id)

    # Refunds

    @rule(sale=sales, amount=PARTS, wish=st.sampled_from(["one wish", "another"]))
    def we_refund(self, sale: Sale, amount: int, wish: str) -> None:
        """The same wish twice is one."""
        if sale.id != NOTHING:
            self.outside.refund(sale.id, amount, wish)

    @rule(sale=sales, amount=PARTS)
    def somebody_refunds_by_hand(self, sale: Sale, amount: int) -> None:
        """In Stripe's Dashboard."""
        self.lever(f"charges/{self.outside.charge(sale.id)}/refund", amount=amount)

    @rule(sale=sales, status=st.sampled_from(["succeeded", "failed", "canceled"]))
    def the_bank_ends_a_refund(self, sale: Sale, status: str) -> None:
        """A refund that was on its way, or had arrived."""
        for refund in self.outside.of_payment("refund", sale.id)[-1:]:
            self.lever(f"refunds/{refund['id']}/settle", status=status)

    # Objections

    @rule(sale=sales, amount=PARTS, inquiry=st.booleans())
    def a_bank_disputes(self, sale: Sale, amount: int, inquiry: bool) -> None:
        """Once a charge, as banks do."""
        if not self.outside.of_payment("dispute", sale.id):
            told = {"amount": amount, "inquiry": inquiry}
            self.lever(f"charges/{self.outside.charge(sale.id)}/dispute", **told)

    @rule(
        sale=sales,
        status=st.sampled_from(["won", "lost", "under_review", "needs_response", "thinking_about_it"]),
    )
    def the_bank_says(self, sale: Sale, status: str) -> None:
        """Also what nobody has heard of, and an appeal."""
        for dispute in self.outside.of_payment("dispute", sale.id)[-1:]:
            self.lever(f"disputes/{dispute['id']}", status=status)

    @rule(sale=sales)
    def the_network_warns_of_fraud(self, sale: Sale) -> None:
        """No money moves."""
        self.lever(f"charges/{self.outside.charge(sale.id)}/fraud_warning")

    @rule(sale=sales)
    def a_review_opens(self, sale: Sale) -> None:
        """Or the one that is open is closed."""
        still = [r for r in self.outside.of_payment("review", sale.id) if r["open"]]
        if still:
            self.lever(f"reviews/{still[0]['id']}/close", reason="approved")
        else:
            self.lever(f"charges/{self.outside.charge(sale.id)}/review")

    @rule(sale=sales, lift=st.booleans())
    def an_admin_holds_or_lifts(self, sale: Sale, lift: bool) -> None:
        """A hold is lifted by whoever has set it."""
        if sale.id != NOTHING:
            self.outside.hold(sale.id, lift=lift)

    @rule(mentor=MENTORS, back=st.booleans())
    def a_mentor_is_suspended_or_back(self, mentor: str, back: bool) -> None:
        """By an admin."""
        self.outside.suspend(mentor, back=back)

    # Money moved by hand

    @rule(sale=sales, amount=PARTS)
    def somebody_transfers_by_hand(self, sale: Sale, amount: int) -> None:
        """From the charge of a payment."""
        there, charge = self.outside.accounts(sale.mentor)[-1], self.outside.charge(sale.id)
        currency = {"amara": "usd", "owen": "gbp"}[sale.mentor]
        told = {"destination": there, "amount": amount, "currency": currency, "source_transaction": charge}
        self.lever("transfers", **told)

    @rule(sale=sales, amount=PARTS)
    def somebody_reverses_by_hand(self, sale: Sale, amount: int) -> None:
        """A transfer of ours."""
        ours = [t for t in self.outside.transfers(sale.id) if "transfer_id" in t["metadata"]]
        for transfer in ours[-1:]:
            self.lever(f"transfers/{transfer['id']}/reverse", amount=amount)

    @rule(currency=st.sampled_from(CURRENCIES), full=st.booleans())
    def our_balance_is_empty_or_full(self, currency: str, full: bool) -> None:
        """As after a payout of our own, or a top-up."""
        amount = 100_000 if full else -self.outside.available(None, currency)
        self.lever("balance", amount=amount, currency=currency)

    @rule(mentor=MENTORS)
    def a_mentors_balance_is_taken(self, mentor: str) -> None:
        """By Stripe, for a debt of theirs elsewhere."""
        account = self.outside.accounts(mentor)[-1]
        for currency in CURRENCIES:
            there = self.outside.available(account, currency)
            if there > 0:
                self.lever("balance", amount=-there, currency=currency, account=account)

    # Mentors' accounts

    @rule(mentor=MENTORS, transfers=st.sampled_from(["inactive", "pending"]), payouts=st.booleans())
    def stripe_restricts(self, mentor: str, transfers: str, payouts: bool) -> None:
        """Until it has what it asks for."""
        told = {"transfers": transfers, "payouts_enabled": payouts}
        self.lever(f"accounts/{self.outside.accounts(mentor)[-1]}", **told)

    @rule(mentor=MENTORS)
    def stripe_is_content_again(self, mentor: str) -> None:
        """And the bank account is good."""
        account = self.outside.accounts(mentor)[-1]
        self.lever(f"accounts/{account}", **HEALTHY)
        self.lever(f"accounts/{account}/bank")

    @rule(mentor=MENTORS, quiet=st.booleans())
    def a_mentor_leaves(self, mentor: str, quiet: bool) -> None:
        """The account is disconnected, with or without a word."""
        self.lever(f"accounts/{self.outside.accounts(mentor)[-1]}/close", quiet=quiet)

    @rule(mentor=MENTORS)
    def a_mentor_connects_anew(self, mentor: str) -> None:
        """Once we know that the former account is gone."""
        if self.outside.is_closed(self.outside.accounts(mentor)[-1]) and not self.outside.sells(mentor):
            self.outside.settle_down()
            self.outside.connects_anew(mentor)

    @rule(mentor=MENTORS)
    def a_mentor_wants_the_money(self, mentor: str) -> None:
        """ "Pay out now"."""
        if not self.outside.is_closed(self.outside.accounts(mentor)[-1]):
            self.outside.wants_payout(mentor)

    @rule(status=st.sampled_from(["paid", "failed", "canceled"]))
    def the_bank_answers_a_payout(self, status: str) -> None:
        """Failed also after it was paid."""
        for payout in self.outside.world.all("stripe.payout")[-1:]:
            self.lever(f"payouts/{payout['id']}/settle", status=status)

    # Work and time

    @rule()
    def a_worker_works(self) -> None:
        """Whatever is due is done."""
        self.outside.work()

    @rule()
    def a_release_run(self) -> None:
        """As by the cron endpoint."""
        self.outside.do(release, 5)

    @rule(at=st.integers(1, 30), a_while=WHILE)
    def a_worker_is_killed(self, at: int, a_while: str) -> None:
        """At the n-th commit or call of what a while has brought, on one side of it or the other."""
        self.outside.house.advance(WHILES[a_while])
        self.outside.deliver()
        self.outside.work_until_killed(at)

    @rule(a_while=WHILE)
    def time_passes_and_nobody_works(self, a_while: str) -> None:
        """An outage of ours."""
        self.outside.house.advance(WHILES[a_while])

    @rule(a_while=WHILE)
    def all_goes_well_for(self, a_while: str) -> None:
        """Webhooks come, workers work."""
        self.outside.house.advance(WHILES[a_while])
        self.outside.settle_down()

    @rule()
    def the_shares_are_due_and_go(self) -> None:
        """As on most days."""
        self.all_goes_well_for("6 days")

    @rule()
    def redis_forgets_everything(self) -> None:
        """FLUSHALL, and the next sweep."""
        self.outside.do(lambda: queue.connection().flushall())
        self.outside.do(queue.sweep)

    @rule()
    def we_reconcile(self) -> None:
        """`flask reconcile`."""
        self.outside.reconcile()

    # Webhooks

    @rule(shuffled=st.booleans())
    def webhooks_come(self, shuffled: bool) -> None:
        """All that are owed."""
        self.outside.deliver(shuffled=shuffled)

    @rule(which=st.integers(0, 9))
    def one_webhook_comes(self, which: int) -> None:
        """The others are late."""
        self.outside.deliver_only(which)

    @rule()
    def webhooks_come_twice(self) -> None:
        """At least once, says Stripe."""
        owed = self.outside.owed()
        self.outside.deliver()
        self.outside.deliver_again(owed)

    @rule(knowing=st.booleans())
    def webhooks_are_lost(self, knowing: bool) -> None:
        """Stripe knows, or believes that we have them."""
        ours = [d for d in self.outside.owed() if d["channel"].startswith("stripe")]
        self.outside.mark(ours, "given_up" if knowing else "lost")

    @rule()
    def old_webhooks_come_again(self) -> None:
        """Somebody presses "resend" on everything."""
        self._come_again("delivered")

    # Trouble at Stripe

    @rule(call=st.sampled_from(list(CALLS)), action=FAULTS, times=st.integers(1, 3))
    def stripe_has_trouble(self, call: str, action: str, times: int) -> None:
        """The SDK itself tries once more."""
        self.outside.house.fault(CALLS[call], action, times=times)

    # The end

    def teardown(self) -> None:
        """All is well again; two days on, everything is where it belongs, and stays there."""
        self.outside.heal()
        for a_while in ("two minutes", "an hour", "a day"):
            self.all_goes_well_for(a_while)
        self.outside.reconcile()
        self._come_again("lost", "given_up")
        for a_while in ("an hour", "a day", "two minutes"):
            self.all_goes_well_for(a_while)
        self.outside.reconcile()
        self.outside.settle_down()  # what it found is told of in a letter
        self.truth.holds_in_quiet()
        self.truth.drift_is_what_strangers_did()
        before = self.truth.money()
        self._come_again("delivered")
        self.outside.reconcile()
        after = self.truth.money()
        changed = {name: (before[name], rows) for name, rows in after.items() if rows != before[name]}
        assert not changed, f"telling and asking everything once more has changed {changed}"

    def _come_again(self, *states: str) -> None:
        """Webhooks that were lost or brought are brought, in any order, and worked through."""
        found = [d for state in states for d in self.outside.world.find("delivery", state=state)]
        self.outside.deliver_again([d for d in found if d["channel"].startswith("stripe")])
        self.outside.settle_down()
        self.truth.holds()
