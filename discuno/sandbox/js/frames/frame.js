/** What every frame shares: the conversation with the page, its looks, and fields with errors. */

const APP = document.documentElement.dataset.app; // the only origin we talk to

/** @param {object} message */
export const tell = (message) => window.parent.postMessage(message, APP);

/** Controls come disabled: nobody's click or key may be lost before the script listens. */
export const ready = (yes = true) => (document.querySelector('fieldset').disabled = !yes);

/** @param {Record<string, (data: any) => void>} handlers by message type */
export function listen(handlers) {
  window.addEventListener('message', ({ source, origin, data }) => {
    if (source === window.parent && origin === APP) handlers[data.type]?.(data);
  });
}

/** One input, its check, and the words under it. */
class Field {
  /** @param {string} id @param {(value: string) => string} check returns what is wrong, or '' */
  constructor(id, check) {
    this.input = document.getElementById(id);
    this.words = document.getElementById(`${id}-error`);
    this.check = check;
  }

  get value() {
    return this.input.value.trim();
  }

  get fault() {
    return this.check(this.value);
  }

  show() {
    this.input.classList.toggle('Input--invalid', Boolean(this.fault));
    this.input.ariaInvalid = String(Boolean(this.fault));
    if (this.words) this.words.textContent = this.fault;
  }

  hush() {
    this.input.classList.remove('Input--invalid');
    this.input.ariaInvalid = 'false';
    if (this.words) this.words.textContent = '';
  }
}

/** Pass the page's `appearance` on to the style sheet; rules keep to Stripe's class names. */
const dress = ({ scheme, variables, rules }) => {
  const { style } = document.documentElement;
  style.colorScheme = scheme;
  for (const [name, value] of Object.entries(variables)) style.setProperty(`--${name}`, value);
  const sheet = new CSSStyleSheet();
  for (const [selector, wishes] of Object.entries(rules)) {
    if (!/^\.[\w-]+(:[a-z-]+)*$/.test(selector)) continue;
    Object.assign(sheet.cssRules[sheet.insertRule(`${selector} {}`)].style, wishes);
  }
  document.adoptedStyleSheets = [sheet];
};

/**
 * Run a frame of fields.
 * @param {Record<string, (value: string) => string>} checks by input id
 * @param {() => object} valueOf what the page may know
 * @returns {Record<string, Field>}
 */
export function run(checks, valueOf, handlers = {}) {
  const fields = Object.fromEntries(Object.entries(checks).map(([id, check]) => [id, new Field(id, check)]));
  const all = Object.values(fields);
  const changed = () => tell({
    type: 'change',
    complete: all.every((field) => !field.fault),
    empty: all.every((field) => !field.value),
    value: valueOf(),
  });

  for (const field of all) {
    field.input.addEventListener('input', () => (field.hush(), changed()));
    field.input.addEventListener('blur', () => field.value && field.show());
    field.input.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') tell({ type: 'escape' });
      if (key === 'Enter' && field.input.tagName === 'INPUT') tell({ type: 'submit' });
    });
  }
  window.addEventListener('focus', () => tell({ type: 'focus' }));
  window.addEventListener('blur', () => tell({ type: 'blur' }));
  const main = document.querySelector('main');
  new ResizeObserver(() => tell({ type: 'resize', height: main.offsetHeight })).observe(main);

  listen({
    init(data) {
      dress(data);
      handlers.init?.(data.options);
      changed();
      requestAnimationFrame(() => tell({ type: 'ready' }));
    },
    appearance: dress,
    focus: () => all[0].input.focus(),
    blur: () => document.activeElement?.blur(),
    clear() {
      for (const field of all) field.input.value = '';
      changed();
    },
    validate({ serial }) {
      all.forEach((field) => field.show());
      tell({ reply: serial, message: all.find((field) => field.fault)?.fault ?? null });
    },
    ...handlers.messages,
  });
  tell({ type: 'hello' });
  return { fields, changed };
}
