/**
 * <discuno-checkout>: mounts Stripe's fields when it enters the page, lets go of them when it leaves.
 * Card numbers stay in Stripe's frames; this script sees a session and its total.
 *
 * @import { Appearance, Stripe, StripeCheckoutElementsSdk } from '@stripe/stripe-js'
 * @import { StripeCheckoutLoadActionsSuccess as Actions, StripeCheckoutSession as Session } from '@stripe/stripe-js'
 */

const PATIENCE = 8000; // milliseconds for Stripe.js to arrive
const UNREACHED = 'The payment form did not load. Nothing has been charged. An ad blocker or a firewall may block js.stripe.com.';
const BROKEN = 'Something went wrong on our side. If you have already paid, trying again will show it.';
const EXPIRED = 'The time to pay has run out. Nothing has been charged.';

/** @type {Stripe | undefined} */
let stripe; // one per page, however often the step comes and goes

/** @param {string} key */
async function stripeFor(key) {
  const end = performance.now() + PATIENCE;
  while (!window.Stripe && performance.now() < end) await new Promise((next) => setTimeout(next, 50));
  if (!window.Stripe) throw new Error('Stripe.js did not load');
  return (stripe ??= window.Stripe(key));
}

/**
 * Our design tokens as plain values, for custom properties do not reach into Stripe's frames.
 * @param {HTMLElement} host @param {boolean} dark @returns {Appearance}
 */
function appearanceOf(host, dark) {
  const probe = host.appendChild(document.createElement('i'));
  const style = getComputedStyle(probe);
  /** @param {string} token */
  const color = (token) => {
    probe.style.color = `var(${token})`;
    return style.color;
  };
  probe.style.fontFamily = 'var(--sans)';
  probe.style.borderRadius = 'var(--radius, var(--r, 8px))';
  const variables = {
    colorPrimary: color('--accent'),
    colorBackground: color('--surface'),
    colorText: color('--ink'),
    colorDanger: color('--bad'),
    fontFamily: style.fontFamily,
    borderRadius: style.borderTopLeftRadius,
  };
  const rules = { '.Input': { borderColor: color('--line-strong'), boxShadow: 'none' } };
  probe.remove();
  return { theme: dark ? 'night' : 'stripe', variables, rules };
}

class DiscunoCheckout extends HTMLElement {
  /** @type {AbortController | undefined} */
  #life; // aborted when this mount is over
  /** @type {'loading' | 'open' | 'paying' | 'over'} */
  #state = 'loading';

  connectedCallback() {
    const { signal } = (this.#life = new AbortController());
    queueMicrotask(() => this.#try(signal, UNREACHED, () => this.#mount(signal))); // moves are over by then
  }

  connectedMoveCallback() {} // moveBefore() keeps the frames, so the mount stays

  disconnectedCallback() {
    this.#life?.abort();
  }

  /** @param {AbortSignal} signal @param {string} words @param {() => Promise<void>} work */
  async #try(signal, words, work) {
    try {
      if (!signal.aborted) await work();
    } catch (error) {
      if (!signal.aborted) this.#stop(words, error);
    }
  }

  /** @param {AbortSignal} signal */
  async #mount(signal) {
    this.#enter('loading');
    const stripe = await stripeFor(this.getAttribute('publishable-key') ?? '');
    signal.throwIfAborted();

    const dark = matchMedia('(prefers-color-scheme: dark)');
    const appearance = () => appearanceOf(this, dark.matches);
    const sdk = stripe.initCheckoutElementsSdk({
      clientSecret: this.getAttribute('client-secret') ?? '',
      elementsOptions: { appearance: appearance() },
    });
    dark.addEventListener('change', () => sdk.changeAppearance(appearance()), { signal });

    const loading = sdk.loadActions().then((loaded) => {
      if (loaded.type === 'error') throw new Error(loaded.error.message);
      return loaded.actions;
    });
    const [actions] = await Promise.all([loading, this.#fields(sdk, signal)]);
    signal.throwIfAborted();
    this.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#state === 'open') this.#try(signal, BROKEN, () => this.#pay(actions, signal));
    }, { signal });
    const restored = (/** @type {PageTransitionEvent} */ event) => event.persisted && location.reload();
    addEventListener('pageshow', restored, { signal }); // "back" from the done page shows no stale form
    sdk.on('change', (session) => signal.aborted || this.#show(session));
    this.#enter('open');
    this.#show(actions.getSession());
    this.#tell('ready');
  }

  /**
   * The frames, until the mount is over; resolves when a card can be typed in.
   * @param {StripeCheckoutElementsSdk} sdk @param {AbortSignal} signal
   */
  #fields(sdk, signal) {
    return new Promise((resolve, reject) => {
      const payment = sdk.createPaymentElement();
      const address = sdk.createBillingAddressElement();
      signal.addEventListener('abort', () => [payment, address].forEach((element) => element.destroy()));
      payment.on('ready', resolve).on('loaderror', (event) => reject(event.error));
      address.on('loaderror', (event) => reject(event.error));
      payment.mount(this.#slot('payment'));
      address.mount(this.#slot('address'));
    });
  }

  /** @param {Actions} actions @param {AbortSignal} signal */
  async #pay(actions, signal) {
    this.#enter('paying');
    const result = await actions.confirm({ redirect: 'if_required' });
    signal.throwIfAborted();
    if (result.type === 'success') return this.#leave();
    this.#enter('open');
    this.#show(actions.getSession());
    if (this.#state !== 'open') return;
    const { code, message } = result.error;
    this.#say(message + (code && !/\btry\b/i.test(message) ? ' Try another card.' : ''));
  }

  /** @param {Session} session */
  #show(session) {
    this.#slot('total').textContent = session.total.total.amount; // already formatted
    if (this.#state !== 'open') return;
    if (session.status.type === 'complete') return this.#leave();
    if (session.status.type === 'expired') return this.#expire();
    this.#slot('pay').toggleAttribute('disabled', !session.canConfirm);
  }

  #leave() {
    this.#enter('paying');
    this.#tell('paid');
    location.assign(this.getAttribute('done-url') ?? '');
  }

  #expire() {
    this.#enter('over');
    const again = { href: this.dataset.expiredUrl ?? '', textContent: 'Choose a time again' };
    this.#say(EXPIRED, Object.assign(document.createElement('a'), again));
  }

  /** @param {string} words @param {unknown} error */
  #stop(words, error) {
    this.#enter('over');
    const again = { type: 'button', textContent: 'Try again', onclick: () => location.reload() };
    this.#say(words, Object.assign(document.createElement('button'), again));
    reportError(error);
  }

  /** @param {string} message @param {HTMLElement[]} next what to do about it */
  #say(message, ...next) {
    const place = this.#slot('error');
    place.replaceChildren(message, ' ', ...next);
    place.hidden = false;
    place.focus();
    this.#tell('error', { message });
  }

  /** @param {'loading' | 'open' | 'paying' | 'over'} state */
  #enter(state) {
    this.#state = state;
    this.#slot('pay').setAttribute('disabled', ''); // until a session says otherwise
    this.#slot('error').hidden = true;
    this.#slot('payment').toggleAttribute('data-skeleton', state === 'loading');
    this.#slot('pay-label').textContent = state === 'paying' ? 'Paying…' : 'Pay';
    this.ariaBusy = String(state === 'loading' || state === 'paying');
  }

  /** @param {string} name @param {object} [detail] */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`checkout:${name}`, { bubbles: true, detail }));
  }

  /** @param {string} name @returns {HTMLElement} */
  #slot(name) {
    const found = this.querySelector(`[data-slot="${name}"]`);
    if (found instanceof HTMLElement) return found;
    throw new Error(`No ${name} slot`);
  }
}

customElements.define('discuno-checkout', DiscunoCheckout);
