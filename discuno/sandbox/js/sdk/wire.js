/** How the script talks: to the server, to its listeners, to its frames. */

const HERE = new URL('.', document.currentScript.src); // …/js/
const FRAMES = {
  payment: 'Secure card payment input',
  address: 'Billing address input',
  controller: 'Payment service',
};
const PATIENCE = 10_000; // milliseconds for a frame to show its fields
const REFUSED = 'The payment service could not be reached. Check your connection and try again.';

/** The page's own mistakes are thrown; the buyer's are returned. */
class IntegrationError extends Error {
  name = 'IntegrationError';
}

/** Throw an integration error unless the fact holds. */
const insist = (fact, message) => {
  if (!fact) throw new IntegrationError(message);
};

/** One question to the sandbox; trouble on the way is the buyer's error, as with Stripe. */
async function ask(path, body) {
  const init = body && {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
  try {
    const answer = await (await fetch(new URL(path, HERE), init)).json();
    if (answer.error && !answer.type) return { type: 'error', error: answer.error };
    return answer;
  } catch {
    return { type: 'error', error: { message: REFUSED, code: null } };
  }
}

/** `on`, `once` and `off`, as Stripe's elements have them. */
class Emitter {
  #handlers = new Map();

  on(event, handler) {
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
    return this;
  }

  once(event, handler) {
    const first = (detail) => {
      this.off(event, first);
      handler(detail);
    };
    return this.on(event, first);
  }

  off(event, handler) {
    const left = (this.#handlers.get(event) ?? []).filter((other) => handler && other !== handler);
    this.#handlers.set(event, left);
    return this;
  }

  emit(event, detail) {
    for (const handler of this.#handlers.get(event) ?? []) handler(detail);
  }
}

/** One frame of ours in the page, and the conversation with it. */
class Frame {
  #waiting = new Map();
  #serial = 0;

  constructor(path, title, heard) {
    this.node = document.createElement('iframe');
    this.node.src = new URL(path, HERE).href;
    this.node.title = title;
    this.heard = heard;
    window.addEventListener('message', this);
  }

  /** Messages count only from this very frame and its origin. */
  handleEvent({ source, origin, data }) {
    if (source !== this.node.contentWindow || origin !== HERE.origin) return;
    const waiting = this.#waiting.get(data.reply);
    if (waiting) {
      this.#waiting.delete(data.reply);
      waiting.resolve(data);
    } else {
      this.heard(data);
    }
  }

  send(message) {
    this.node.contentWindow?.postMessage(message, HERE.origin);
  }

  /** Send and wait for the reply; rejects when the frame goes first. */
  request(message) {
    const serial = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(serial, { resolve, reject });
      this.send({ ...message, serial });
    });
  }

  remove() {
    window.removeEventListener('message', this);
    this.node.remove();
    for (const { reject } of this.#waiting.values()) reject(new IntegrationError('The element was destroyed.'));
    this.#waiting.clear();
  }
}
