/** What `create…Element` returns: a frame with fields in it. */

class Element extends Emitter {
  #kind;
  #options;
  #look;
  #gone;
  #frame = null;
  #destroyed = false;
  #ready = false;
  #alarm = 0;
  complete = false;
  value = null;

  constructor(kind, options, look, gone) {
    super();
    this.#kind = kind;
    this.#options = options;
    this.#look = look;
    this.#gone = gone;
  }

  mount(target) {
    insist(!this.#destroyed, `The ${this.#kind} element was destroyed and cannot be mounted again.`);
    insist(!this.#frame, `The ${this.#kind} element is already mounted.`);
    const place = typeof target === 'string' ? document.querySelector(target) : target;
    insist(place instanceof HTMLElement, `mount() found no element at ${target}.`);
    this.#frame = new Frame(`frames/${this.#kind}.html`, FRAMES[this.#kind], (data) => this.#hear(data));
    const { style } = this.#frame.node;
    Object.assign(style, {
      display: 'block', border: '0', width: 'calc(100% + 8px)', margin: '-4px', height: '0', opacity: '0',
    });
    style.colorScheme = this.#look().scheme;
    place.classList.add('StripeElement');
    place.replaceChildren(this.#frame.node);
    const error = { type: 'api_connection_error', message: REFUSED };
    this.#alarm = setTimeout(() => this.emit('loaderror', { elementType: this.#kind, error }), PATIENCE);
    this.emit('loaderstart', { elementType: this.#kind });
  }

  #hear(data) {
    const { style } = this.#frame.node;
    const event = { elementType: this.#kind };
    if (data.type === 'hello') this.#frame.send({ type: 'init', options: this.#options, ...this.#look() });
    if (data.type === 'resize') style.height = `${data.height + 8}px`;
    if (data.type === 'ready') {
      style.opacity = '1';
      this.#ready = true;
      clearTimeout(this.#alarm);
      this.emit('ready', event);
    }
    if (data.type === 'change') {
      Object.assign(this, { complete: data.complete, value: data.value });
      this.emit('change', { ...event, complete: data.complete, empty: data.empty, value: data.value });
    }
    if (data.type === 'submit') this.#frame.node.closest('form')?.requestSubmit();
    if (['focus', 'blur', 'escape'].includes(data.type)) this.emit(data.type, event);
  }

  restyle() {
    if (!this.#frame) return;
    this.#frame.node.style.colorScheme = this.#look().scheme;
    this.#frame.send({ type: 'appearance', ...this.#look() });
  }

  /** Not of Stripe's surface: what the SDK asks of the fields. */
  request(type) {
    insist(this.#ready, `The ${this.#kind} element is not ready: mount it and wait.`);
    return this.#frame.request({ type });
  }

  unmount() {
    clearTimeout(this.#alarm);
    this.#frame?.remove();
    this.#frame = null;
    this.#ready = false;
    this.complete = false;
  }

  destroy() {
    this.unmount();
    this.#destroyed = true;
    this.#gone();
  }

  update(options) {
    Object.assign(this.#options, options);
    return this;
  }

  focus() {
    this.#frame?.send({ type: 'focus' });
  }

  blur() {
    this.#frame?.send({ type: 'blur' });
  }

  clear() {
    this.#frame?.send({ type: 'clear' });
  }

  collapse() {
    return this;
  }

  async getValue() {
    return { complete: this.complete, value: structuredClone(this.value) };
  }
}
