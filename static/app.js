// @ts-check
// What HTML and htmx cannot do by themselves: focus that follows the step, the month grid's keys,
// the countdown, the browser's time zone, and a voice for what changed. Every page works without it.
(() => {
  "use strict";

  /** @typedef {{ctx: {target: Element, sourceElement: HTMLElement, swap: string, then?: string, response?: {status: number}}}} Swap */

  const NETWORK = "We could not reach the server. Check your connection and try again.";
  const TOO_OFTEN = "You have asked for this very often in a short time. Please wait a little and try again.";
  const SERVER = "The server could not answer. Please try again in a moment.";
  const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  /** @type {(id: string) => HTMLElement | null} */
  const byId = (id) => document.getElementById(id);

  /** @type {(target: Element | null | undefined) => void} */
  const focus = (target) => {
    if (target instanceof HTMLElement) target.focus({ preventScroll: target.tagName === "H1" });
  };

  // --- Said aloud, and shown when the way to the server is broken

  let said = "";

  /** Tell people who do not see the page; the same words twice in a row are said once. @param {string} text */
  function say(text) {
    const live = byId("live");
    if (!live || text === said) return;
    said = live.textContent = text;
  }

  /** @param {string} text Empty hides the notice. */
  function notice(text) {
    const box = byId("notice");
    if (!box) return;
    box.hidden = !text;
    box.textContent = text;
  }

  /** @type {(name: string, handler: (detail: Swap) => void) => void} */
  const on = (name, handler) =>
    document.addEventListener(name, (event) => handler(/** @type {CustomEvent<Swap>} */ (event).detail));

  on("htmx:error", ({ ctx }) => ctx && notice(NETWORK));
  on("htmx:before:response", () => notice(""));
  on("htmx:response:error", ({ ctx }) => {
    if (ctx.target.id === "main") return; // a whole step may be an error page; a calendar may not
    ctx.swap = "none";
    notice(ctx.response?.status === 429 ? TOO_OFTEN : SERVER);
  });

  // --- After a swap: title, voice, focus

  on("htmx:before:swap", ({ ctx }) => {
    ctx.then = ctx.sourceElement?.dataset.then; // kept now, for the source may be gone afterwards
    if (ctx.target.id === "main") [cameBack, restoring] = [restoring, false];
  });

  on("htmx:after:swap", ({ ctx }) => {
    if (ctx.swap === "none") return void (pending = null);
    const fresh = ctx.target.id ? byId(ctx.target.id) : null;
    const spoken = fresh?.dataset.say;
    if (spoken) say(spoken);
    if (fresh?.id === "main") return arrive(fresh);
    if (pending !== null) return focusPending();
    if (ctx.then) return focus(byId(ctx.then));
    if (document.activeElement === document.body) focus(fresh?.querySelector("[data-heading]"));
  });

  // --- Back to the choice of a time gives back what is kept and not yet paid for

  /** Whether this page was come back to. */
  let cameBack = performance.getEntriesByType("navigation").some((entry) => /** @type {PerformanceNavigationTiming} */ (entry).type === "back_forward");

  let restoring = false;
  on("htmx:before:history:restore", () => (restoring = true));
  addEventListener("pageshow", (event) => {
    // a page kept whole by the browser shows what was true when it was left: htmx asks for it again
    if (event.persisted && byId("bookings-time")) dispatchEvent(new PopStateEvent("popstate", { state: { htmx: true } }));
  });

  function giveBack() {
    const form = document.querySelector("form[data-back]");
    if (!cameBack || !(form instanceof HTMLFormElement) || !form.dataset.htmxPowered) return;
    cameBack = false;
    say("The time you were keeping is free again.");
    form.requestSubmit();
  }

  /** A new step stands in #main. @param {HTMLElement} main */
  function arrive(main) {
    const title = /** @type {HTMLElement | null} */ (main.querySelector("[data-title]"))?.dataset.title;
    if (title) document.title = title;
    focus(main.querySelector("[data-focus]") ?? main.querySelector("h1"));
  }

  /** Whatever new matter on the page needs; done twice it does nothing. */
  function settle() {
    document.querySelectorAll("[role=grid]").forEach(startRoving);
    offerBrowserZone();
    giveBack();
  }

  // --- The month grid: one tab stop, arrows within, months beyond its edges

  /** The day to stand on once the next month has come: from 0, or from -1 backwards. @type {number | null} */
  let pending = null;

  /** @type {(grid: Element) => HTMLElement[]} */
  const days = (grid) => [...grid.querySelectorAll("[data-day]")].map((day) => /** @type {HTMLElement} */ (day));

  /** @type {(grid: Element, day: HTMLElement) => void} */
  function rove(grid, day) {
    for (const other of days(grid)) other.tabIndex = other === day ? 0 : -1;
  }

  /** @param {Element} grid */
  function startRoving(grid) {
    const all = days(grid);
    if (all.some((day) => day.tabIndex === 0 && day.hasAttribute("tabindex"))) return;
    const first = grid.querySelector("[aria-selected=true] [data-day]") ?? grid.querySelector("a[data-day]") ?? all[0];
    if (first instanceof HTMLElement) rove(grid, first);
  }

  function focusPending() {
    const grid = document.querySelector("#bookings-calendar [role=grid]");
    if (!grid || pending === null) return;
    const all = days(grid);
    stand(grid, all.at(pending) ?? all[all.length - 1]);
    pending = null;
  }

  /** @type {(grid: Element, day: HTMLElement | undefined) => void} */
  function stand(grid, day) {
    if (!day) return;
    rove(grid, day);
    day.focus();
  }

  /** Ask for the month before or after, then stand on a day of it. @type {(id: string, index: number) => void} */
  function turnMonth(id, index) {
    const link = byId(id);
    if (!link) return;
    pending = index;
    link.click();
  }

  /** Where a key leads from day `at`, as an index that may lie outside the month. @type {(key: string, at: number, column: number) => number | null} */
  function destination(key, at, column) {
    switch (key) {
      case "ArrowLeft": return at - 1;
      case "ArrowRight": return at + 1;
      case "ArrowUp": return at - 7;
      case "ArrowDown": return at + 7;
      case "Home": return Math.max(0, at - column);
      case "End": return at + 6 - column;
      default: return null;
    }
  }

  document.addEventListener("click", (event) => {
    if (/** @type {Element} */ (event.target).closest?.("[data-day]")) pending = null; // the month that was asked for comes no more
  });

  document.addEventListener("keydown", (event) => {
    const day = /** @type {Element} */ (event.target).closest?.("[role=grid] [data-day]");
    const grid = day?.closest("[role=grid]");
    if (!(day instanceof HTMLElement) || !grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = days(grid);
    const at = all.indexOf(day);
    const column = day.closest("td")?.cellIndex ?? 0;
    const to = destination(event.key, at, column);
    if (event.key === " ") day.click();
    else if (event.key === "PageUp") turnMonth("bookings-previous", at);
    else if (event.key === "PageDown") turnMonth("bookings-next", at);
    else if (to === null) return;
    else if (event.key === "End") stand(grid, all[Math.min(to, all.length - 1)]);
    else if (to < 0) turnMonth("bookings-previous", to);
    else if (to >= all.length) turnMonth("bookings-next", to - all.length);
    else stand(grid, all[to]);
    event.preventDefault();
  });

  // --- Time zones

  /** For a year, so that the server draws the right times at once. @param {string} zone */
  function remember(zone) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
  }

  if (!/(^|; )tz=/.test(document.cookie)) remember(browserZone);

  let offered = false;

  /** The server had only the mentor's zone to go by: ask again in the browser's, once. */
  function offerBrowserZone() {
    const part = byId("bookings-calendar");
    const select = byId("bookings-zone-name");
    if (offered || !part?.dataset.zoneGuess || part.dataset.zone === browserZone) return;
    if (!(select instanceof HTMLSelectElement) || !select.form?.dataset.htmxPowered) return; // htmx comes later
    offered = true;
    if (![...select.options].some((option) => option.value === browserZone)) return;
    select.value = browserZone;
    select.form.requestSubmit();
  }

  /** Every option a filtered list had at first. @type {WeakMap<HTMLSelectElement, HTMLOptionElement[]>} */
  const complete = new WeakMap();

  /** @type {(select: HTMLSelectElement, words: string) => void} */
  function filter(select, words) {
    const all = complete.get(select) ?? [...select.options];
    complete.set(select, all);
    const wanted = words.trim().toLowerCase();
    const chosen = select.value;
    const found = all.filter((option) => `${option.text} ${option.value}`.toLowerCase().includes(wanted));
    select.replaceChildren(...(found.length ? found : all));
    if (wanted) say(found.length === 1 ? `1 zone found: ${found[0].text}` : `${found.length || "No"} zones found`);
    select.size = wanted && found.length ? Math.max(2, Math.min(6, found.length)) : 0;
    if (!wanted) select.value = chosen;
  }

  /** @type {(target: EventTarget | null) => HTMLSelectElement | null} */
  const filtered = (target) => {
    const list = target instanceof HTMLInputElement && target.dataset.filter ? byId(target.dataset.filter) : null;
    return list instanceof HTMLSelectElement ? list : null;
  };

  document.addEventListener("input", (event) => {
    const select = filtered(event.target);
    if (select) filter(select, /** @type {HTMLInputElement} */ (event.target).value);
  });

  document.addEventListener("keydown", (event) => {
    const select = filtered(event.target);
    if (!select || event.key !== "Enter") return;
    event.preventDefault();
    if (select.selectedIndex < 0) select.selectedIndex = 0;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("change", (event) => {
    const select = event.target;
    if (!(select instanceof HTMLSelectElement)) return;
    if (select.id === "bookings-zone-name") remember(select.value);
    if (!complete.has(select)) return;
    const chosen = select.value;
    const box = document.querySelector(`[data-filter="${select.id}"]`);
    if (box instanceof HTMLInputElement) box.value = "";
    filter(select, "");
    select.value = chosen;
  });

  // --- <discuno-countdown seconds="600" data-over="…">

  class Countdown extends HTMLElement {
    /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;
    #end = 0;
    #left = Infinity;

    connectedCallback() {
      this.#end = Date.now() + 1000 * Number(this.getAttribute("seconds"));
      this.#timer = setInterval(() => this.#tick(), 1000);
      this.#tick();
    }

    disconnectedCallback() {
      clearInterval(this.#timer);
    }

    #tick() {
      const left = Math.max(0, Math.ceil((this.#end - Date.now()) / 1000));
      for (const minutes of [5, 1]) {
        if (this.#left > 60 * minutes && left <= 60 * minutes && this.#left !== Infinity) {
          say(`Held for you for ${minutes === 1 ? "one more minute" : `${minutes} more minutes`}.`);
        }
      }
      this.#left = left;
      this.classList.toggle("low", left <= 60);
      this.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      if (!left) this.#finish();
    }

    #finish() {
      clearInterval(this.#timer);
      this.classList.add("over");
      this.textContent = this.dataset.over ?? "";
      say(this.textContent);
      this.dispatchEvent(new CustomEvent("discuno:over", { bubbles: true }));
    }
  }

  customElements.define("discuno-countdown", Countdown);

  document.addEventListener("htmx:after:process", settle);
  settle(); // htmx may have been quicker than this file
  focus(document.querySelector("main [data-focus]"));

  // Where one is, in a row of names that is wider than a phone
  for (const row of document.querySelectorAll(".desk-nav")) {
    const here = row.querySelector("[aria-current]");
    if (here) row.scrollLeft += here.getBoundingClientRect().right - row.getBoundingClientRect().right + 16;
  }
})();
