/** What the page finds: `window.Stripe`, and the hidden frame on its body. */

/** Stripe keeps a hidden frame on <body>; a page that replaces its body breaks it, and here too. */
const controller = document.createElement('iframe');
controller.src = new URL('frames/controller.html', HERE).href;
controller.title = FRAMES.controller;
controller.ariaHidden = 'true';
controller.tabIndex = -1;
Object.assign(controller.style, { position: 'absolute', width: '1px', height: '1px', border: '0', opacity: '0' });
const attach = () => document.body.append(controller);
if (document.body) attach();
else document.addEventListener('DOMContentLoaded', attach);

/** The synchronous part: the session loads behind it. */
function initCheckoutElementsSdk(options) {
  const checkout = new Checkout(options);
  const loading = checkout.load();
  loading.catch(() => {});
  const sdk = {
    on(event, handler) {
      insist(event === 'change', `There is no ${event} event.`);
      checkout.on(event, handler);
    },
    async loadActions() {
      const error = await loading;
      return error ? { type: 'error', error } : { type: 'success', actions: actionsOf(checkout) };
    },
    changeAppearance: (appearance) => checkout.restyle(appearance),
    loadFonts: () => {},
    createPaymentElement: (wish) => checkout.create('payment', wish),
    getPaymentElement: () => checkout.get('payment'),
    createBillingAddressElement: (wish) => checkout.create('address', wish),
    getBillingAddressElement: () => checkout.get('address'),
  };
  for (const name of ['ShippingAddress', 'ExpressCheckout', 'CurrencySelector', 'ContactDetails', 'TaxId']) {
    sdk[`get${name}Element`] = () => null;
    sdk[`create${name}Element`] = () => {
      throw new IntegrationError(`The ${name} element is not part of the sandbox's Stripe.js.`);
    };
  }
  return sdk;
}

window.Stripe = function Stripe(key) {
  insist(/^pk_/.test(key ?? ''), 'Stripe() needs a publishable key (pk_…), never a secret one.');
  insist(!key.startsWith('pk_live'), 'The sandbox takes no live keys.');
  return {
    initCheckoutElementsSdk,
    initCheckout() {
      throw new IntegrationError('stripe.initCheckout() was removed: use stripe.initCheckoutElementsSdk().');
    },
    initCheckoutFormSdk() {
      throw new IntegrationError('stripe.initCheckoutFormSdk() is beta and not part of the sandbox.');
    },
    registerAppInfo() {},
  };
};
window.Stripe.version = 'endive';
