/** The card. Its digits go from here to the sandbox; the page learns a payment method's id. */

import { ready, run, tell } from './frame.js';

const digits = (value) => value.replace(/\D/g, '');
const amex = (number) => /^3[47]/.test(number);

function luhn(number) {
  const sum = [...number].reverse().reduce((total, digit, at) => {
    const worth = at % 2 ? Number(digit) * 2 : Number(digit);
    return total + (worth > 9 ? worth - 9 : worth);
  }, 0);
  return sum % 10 === 0;
}

function checkNumber(value) {
  const number = digits(value);
  if (number.length < (amex(number) ? 15 : 16)) return 'Your card number is incomplete.';
  return luhn(number) ? '' : 'Your card number is invalid.';
}

function expiryOf(value) {
  const date = digits(value);
  return { month: Number(date.slice(0, 2)), year: 2000 + Number(date.slice(2)) };
}

function checkExpiry(value) {
  if (digits(value).length < 4) return 'Your card’s expiration date is incomplete.';
  const { month, year } = expiryOf(value);
  if (month < 1 || month > 12) return 'Your card’s expiration date is invalid.';
  const past = new Date(year, month) <= new Date(); // the first instant after its last month
  return past ? 'Your card’s expiration date is in the past.' : '';
}

function checkCode(value) {
  const length = amex(digits(fields.number.value)) ? 4 : 3;
  return digits(value).length < length ? 'Your card’s security code is incomplete.' : '';
}

function spaced(value) {
  const number = digits(value);
  if (amex(number)) return number.slice(0, 15).replace(/^(.{4})(.{1,6})(.*)$/, '$1 $2 $3').trim();
  return number.slice(0, 19).replace(/(.{4})(?=.)/g, '$1 ');
}

function slashed(value) {
  let date = digits(value).slice(0, 4);
  if (/^[2-9]/.test(date)) date = `0${date}`.slice(0, 4);
  if (date.length > 2) return `${date.slice(0, 2)} / ${date.slice(2)}`;
  return date.length === 2 && !/[/ ]$/.test(value) ? `${date} / ` : date;
}

/** Format as it is typed; deleting is left alone, and the caret keeps its digit. */
function format(input, layout) {
  input.addEventListener('input', ({ inputType = '' }) => {
    if (inputType.startsWith('delete')) return;
    const before = digits(input.value.slice(0, input.selectionStart)).length;
    const atEnd = input.selectionStart === input.value.length;
    input.value = layout(input.value);
    if (atEnd) return;
    let at = 0;
    for (let seen = 0; seen < before && at < input.value.length; at += 1) seen += /\d/.test(input.value[at]) ? 1 : 0;
    input.setSelectionRange(at, at);
  }, { capture: true });
}

async function tokenize({ serial }) {
  const { month, year } = expiryOf(fields.expiry.value);
  const [number, cvc] = [fields.number, fields.cvc].map(({ value }) => digits(value));
  const card = { number, exp_month: month, exp_year: year, cvc };
  try {
    const answer = await fetch('/js/payment_methods', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(card),
    });
    tell({ reply: serial, ...(await answer.json()) });
  } catch {
    tell({ reply: serial, error: { message: 'The card could not be sent. Check your connection and try again.' } });
  }
}

for (const [id, layout] of [['number', spaced], ['expiry', slashed]]) format(document.getElementById(id), layout);
const { fields, changed } = run(
  { number: checkNumber, expiry: checkExpiry, cvc: checkCode },
  () => ({ type: 'card' }),
  { messages: { tokenize } },
);

document.getElementById('fill').addEventListener('click', () => {
  const card = { number: '4242 4242 4242 4242', expiry: '12 / 34', cvc: '123' };
  for (const [id, value] of Object.entries(card)) {
    fields[id].input.value = value;
    fields[id].hush();
  }
  changed();
});
ready();
