/** Session, elements and actions of one `initCheckoutElementsSdk`. */

/** A copy for the page that notices whether its total was read. */
function copyOf(session, read) {
  const copy = structuredClone(session);
  const notice = (object, key) => {
    const value = object[key];
    Object.defineProperty(object, key, { enumerable: true, get: () => (read.add(key), value) });
  };
  notice(copy.total.total, 'amount');
  notice(copy.total.total, 'minorUnitsAmount');
  notice(copy, 'currency');
  notice(copy, 'minorUnitsAmountDivisor');
  return copy;
}

const shown = (read) =>
  read.has('amount') || ['minorUnitsAmount', 'currency', 'minorUnitsAmountDivisor'].every((key) => read.has(key));

/** 3-D Secure: the bank's page over the whole window, until the cardholder has answered. */
function challenge(intent) {
  return new Promise((resolve) => {
    const frame = new Frame(`challenge/${encodeURIComponent(intent)}`, 'Your bank asks you to confirm', (data) => {
      if (data.type !== 'answered') return;
      frame.remove();
      resolve(data.result);
    });
    Object.assign(frame.node.style, {
      position: 'fixed', inset: '0', width: '100%', height: '100%', border: '0', zIndex: '2147483647',
      colorScheme: 'light',
    });
    document.body.append(frame.node);
    frame.node.focus();
  });
}

const OPTIONS = ['clientSecret', 'elementsOptions', 'adaptivePricing', 'defaultValues'];
const UNSUPPORTED = [
  'applyPromotionCode', 'removePromotionCode', 'updateShippingAddress', 'updateShippingOption',
  'updateLineItemQuantity', 'updateTaxIdInfo', 'updateIndividualName', 'updateBusinessName',
  'addOptionalLineItem', 'removeOptionalLineItem',
];

class Checkout extends Emitter {
  #secret;
  #session = null;
  #returnUrl = null;
  #appearance;
  #elements = new Map();
  #read = new Set();
  #entered = { email: null, phoneNumber: null, billingAddress: null };
  #updates = 0;
  #confirming = false;

  constructor(options) {
    super();
    for (const name of Object.keys(options ?? {})) insist(OPTIONS.includes(name), `Unknown option ${name}.`);
    insist(options?.clientSecret, 'initCheckoutElementsSdk() needs a clientSecret.');
    this.#secret = Promise.resolve(options.clientSecret);
    this.#secret.catch(() => {});
    this.#appearance = options.elementsOptions?.appearance ?? {};
    this.#entered = { ...this.#entered, ...options.defaultValues };
  }

  // elements

  create(kind, options = {}) {
    insist(!this.#elements.has(kind), `There is a ${kind} element already; destroy it first.`);
    const defaults = kind === 'address' ? { defaults: this.#entered.billingAddress } : {};
    const gone = () => this.#elements.delete(kind) && this.changed();
    const element = new Element(kind, { ...options, ...defaults }, () => this.#look(), gone);
    element.on('change', () => this.changed());
    this.#elements.set(kind, element);
    return element;
  }

  get(kind) {
    return this.#elements.get(kind) ?? null;
  }

  #look() {
    const { theme = 'stripe', variables = {}, rules = {} } = this.#appearance;
    return { scheme: theme === 'night' ? 'dark' : 'light', variables, rules };
  }

  restyle(appearance) {
    this.#appearance = appearance;
    for (const element of this.#elements.values()) element.restyle();
  }

  // session

  async load() {
    insist(controller.isConnected, 'The frame Stripe.js keeps on <body> was removed: reload the page.');
    let secret;
    try {
      secret = await this.#secret;
    } catch (error) {
      return { message: String(error?.message ?? error), code: null };
    }
    const answer = await ask(`sessions?client_secret=${encodeURIComponent(secret)}`);
    if (answer.type === 'error') return answer.error;
    ({ returnUrl: this.#returnUrl, ...this.#session } = answer);
    return null;
  }

  session() {
    const elements = [...this.#elements.values()];
    const canConfirm = this.#session.status.type === 'open' && this.#elements.has('payment')
      && elements.every((element) => element.complete) && !this.#updates && !this.#confirming;
    const given = Object.entries(this.#entered).filter(([, value]) => value !== null);
    return copyOf({ ...this.#session, ...Object.fromEntries(given), canConfirm }, this.#read);
  }

  changed() {
    if (this.#session) this.emit('change', this.session());
  }

  // actions

  async enter(name, value) {
    this.#entered[name] = value;
    this.changed();
    return { type: 'success', session: this.session() };
  }

  async updateEmail(email) {
    const fault = (code, message) => ({ type: 'error', error: { code, message } });
    if (email && !email.includes('@')) return fault('incompleteEmail', 'Your email is incomplete.');
    if (email && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return fault('invalidEmail', 'Your email is invalid.');
    return this.enter('email', email);
  }

  async runServerUpdate(work) {
    this.#updates += 1;
    this.changed();
    let error = null;
    try {
      await work();
      error = await this.load();
    } catch (thrown) {
      error = { message: String(thrown?.message ?? thrown), code: null };
    }
    this.#updates -= 1;
    this.changed();
    return error ? { type: 'error', error } : { type: 'success', session: this.session() };
  }

  async validateElements() {
    const kinds = [...this.#elements.keys()];
    const replies = await Promise.all(kinds.map((kind) => this.#elements.get(kind).request('validate')));
    const faults = replies.flatMap(({ message }, at) =>
      message ? [{ message, element: kinds[at] === 'address' ? 'billingAddress' : kinds[at] }] : []);
    if (!faults.length) return { type: 'success', session: this.session() };
    const error = { code: 'validation_error', message: faults[0].message, validation_errors: faults };
    return { type: 'error', error };
  }

  async confirm(wish = {}) {
    insist(shown(this.#read), 'confirm() was called, but the page never read session.total.total.amount.');
    insist(wish.paymentMethod || this.#elements.has('payment'), 'confirm() needs a payment element.');
    insist(controller.isConnected, 'The frame Stripe.js keeps on <body> was removed: reload the page.');
    insist(!this.#confirming, 'confirm() is already running.');
    this.#confirming = true;
    this.changed();
    try {
      const result = await this.#settle(wish);
      if (result.type === 'error') return result;
      if (wish.redirect !== 'if_required') await this.#depart(wish);
      return { type: 'success', session: this.session() };
    } finally {
      this.#confirming = false;
      this.changed();
    }
  }

  async #settle(wish) {
    const refused = ({ message }) => ({ type: 'error', error: { message, code: null } });
    const payment = this.get('payment');
    const billing = wish.billingAddress ?? this.get('address')?.value ?? this.#entered.billingAddress;
    const valid = await this.validateElements();
    if (valid.type === 'error') return refused(valid.error);
    const made = wish.paymentMethod ? { id: wish.paymentMethod } : await payment.request('tokenize');
    if (made.error) return refused(made.error);
    let result = await ask('sessions/confirm', {
      client_secret: await this.#secret,
      payment_method: made.id,
      email: wish.email ?? this.#entered.email,
      billing,
      return_url: wish.returnUrl ?? null,
    });
    if (result.type === 'challenge') result = await challenge(result.payment_intent);
    await this.load();
    return result;
  }

  /** Off to the return URL; what awaits this page's answer waits for ever, as the page goes. */
  async #depart(wish) {
    const to = wish.returnUrl ?? this.#returnUrl;
    insist(to, "confirm() with redirect: 'always' needs a return URL.");
    location.assign(to.replace('{CHECKOUT_SESSION_ID}', this.#session.id));
    await new Promise(() => {});
  }
}

/** What the page may call; its methods need no `this`. */
function actionsOf(checkout) {
  const later = (name) => async () => {
    throw new IntegrationError(`${name}() is not part of the sandbox's Stripe.js.`);
  };
  return {
    ...Object.fromEntries(UNSUPPORTED.map((name) => [name, later(name)])),
    confirm: (wish) => checkout.confirm(wish),
    getSession: () => checkout.session(),
    validateElements: () => checkout.validateElements(),
    runServerUpdate: (work) => checkout.runServerUpdate(work),
    updateEmail: (email) => checkout.updateEmail(email),
    updatePhoneNumber: (phone) => checkout.enter('phoneNumber', phone),
    updateBillingAddress: (contact) => checkout.enter('billingAddress', contact),
  };
}
