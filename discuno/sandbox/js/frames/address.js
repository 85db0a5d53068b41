/** The billing address. Unlike a card, the page may know it. */

import { ready, run } from './frame.js';

const CODES = 'AD AE AG AL AM AR AT AU AZ BA BB BD BE BG BH BO BR BS BZ CA CH CI CL CN CO CR CY CZ DE DK DO DZ EC '
  + 'EE EG ES ET FI FR GB GE GH GR GT HK HN HR HU ID IE IL IN IS IT JM JO JP KE KH KR KW KZ LB LI LK LT '
  + 'LU LV MA MC MD ME MG MK MT MU MX MY NG NI NL NO NP NZ OM PA PE PH PK PL PT PY QA RO RS RW SA SE SG '
  + 'SI SK SN SV TH TN TR TT TW TZ UA UG US UY UZ VN ZA ZM';
const NO_POSTAL_CODE = new Set('AE AG BO BS BZ CI GH HK JM KE PA QA RW TZ UG'.split(' '));

const country = document.getElementById('country');
const names = new Intl.DisplayNames(['en'], { type: 'region' });
const options = CODES.split(' ').map((code) => new Option(names.of(code), code));
country.append(...options.sort((a, b) => a.text.localeCompare(b.text)));
const home = new Intl.Locale(navigator.language).region ?? 'US';
country.value = CODES.includes(home) ? home : 'US';

const needed = (words) => (value) => (value ? '' : words);
const postal = (value) => (value || NO_POSTAL_CODE.has(country.value) ? '' : 'Your postal code is incomplete.');

const at = (id) => document.getElementById(id).value.trim();
const contact = () => ({
  name: at('name'),
  address: {
    country: country.value,
    line1: at('line1'),
    line2: null,
    city: at('city'),
    postal_code: at('postal_code'),
    state: null,
  },
});

function prefill({ defaults }) {
  const known = { name: defaults?.name, ...defaults?.address };
  for (const [id, value] of Object.entries(known)) {
    const input = document.getElementById(id);
    if (input && value) input.value = value;
  }
}

run(
  {
    name: needed('Your name is incomplete.'),
    country: needed('Choose a country.'),
    line1: needed('Your address is incomplete.'),
    city: needed('Your city is incomplete.'),
    postal_code: postal,
  },
  contact,
  { init: prefill },
);
ready();
