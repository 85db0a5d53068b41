/** The bank's question in 3-D Secure; the answer goes to the sandbox, its outcome to the page. */

import { ready, tell } from './frame.js';

const { intent } = document.querySelector('main').dataset;

async function answer(passed) {
  ready(false);
  try {
    const reply = await fetch(`/js/challenge/${encodeURIComponent(intent)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ passed }),
    });
    tell({ type: 'answered', result: await reply.json() });
  } catch {
    document.getElementById('error').textContent = 'The bank could not be reached. Try again.';
    ready();
  }
}

document.getElementById('pass').addEventListener('click', () => answer(true));
document.getElementById('fail').addEventListener('click', () => answer(false));
ready();
document.getElementById('pass').focus();
