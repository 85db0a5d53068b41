/** The bank's question in 3-D Secure; the answer goes to the sandbox, its outcome to the page. */

import { tell } from './frame.js';

const { intent } = document.querySelector('main').dataset;
const buttons = document.querySelectorAll('button');

async function answer(passed) {
  buttons.forEach((button) => (button.disabled = true));
  try {
    const reply = await fetch(`/js/challenge/${encodeURIComponent(intent)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ passed }),
    });
    tell({ type: 'answered', result: await reply.json() });
  } catch {
    document.getElementById('error').textContent = 'The bank could not be reached. Try again.';
    buttons.forEach((button) => (button.disabled = false));
  }
}

document.getElementById('pass').addEventListener('click', () => answer(true));
document.getElementById('fail').addEventListener('click', () => answer(false));
document.getElementById('pass').focus();
