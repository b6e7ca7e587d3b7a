// What the pages can do beyond links and forms. All of it is extra: without this file every page works.

const make = (name, attributes = {}, ...inside) => {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...inside);
  return found;
};
const all = (selector) => [...document.querySelectorAll(selector)];

// A form sends what is filled in, and the address stays as short as it can be.

for (const form of all("form.filters")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const name of new Set(formData.keys())) {
      const filled = formData.getAll(name).filter((value) => value.trim());
      formData.delete(name);
      for (const value of filled) formData.append(name, value);
    }
  });
}

// Suggestions as one types: the combobox pattern of the ARIA Authoring Practices, completing the last of a list.

const bare = (text) => text.normalize("NFKD").replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
const json = async (url, signal) => {
  const answer = await fetch(url, { signal });
  return answer.ok ? answer.json() : {};
};
const known = new Map();

async function actors(text, signal) {
  const { actors = [] } = await json(`/v1/actors?limit=50&q=${encodeURIComponent(text)}`, signal);
  return actors.sort((one, other) => other.events - one.events).map((actor) => ({
    id: actor.id,
    name: actor.name,
    note: actor.events.toLocaleString("en") + (actor.events === 1 ? " event" : " events"),
  }));
}

async function provinces(text, signal, input) {
  const countries = input.form.elements.country.value.trim() || input.dataset.near;
  const wanted = bare(text);
  const begins = ({ name, aliases }) => [name, ...aliases].some((each) => bare(each).startsWith(wanted));
  // Where no country in view has one, the whole world is asked.
  for (const places of [countries.split(",").filter(Boolean), [""]]) {
    const lists = await Promise.all(places.map((country) => provincesOf(country.trim(), signal)));
    const found = lists.flat().filter((each) => [each.name, ...each.aliases].some((name) => bare(name).includes(wanted)));
    found.sort((one, other) => begins(other) - begins(one) || other.events - one.events);
    if (found.length) return found.map(({ code, name }) => ({ id: code, name, note: code }));
  }
  return [];
}

async function provincesOf(country, signal) {
  if (!known.has(country)) {
    const { provinces } = await json("/v1/provinces" + (country && `?country=${encodeURIComponent(country)}`), signal);
    if (!provinces) return [];
    known.set(country, provinces);
  }
  return known.get(country);
}

const SOURCES = { actors, provinces };

function suggest(input) {
  const box = make("ul", { role: "listbox", id: `${input.id}-list`, "aria-label": "Suggestions" });
  box.hidden = true;
  input.removeAttribute("list");
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": box.id })) {
    input.setAttribute(name, value);
  }
  input.after(box);
  let current = -1;
  let waiting;
  let asking = new AbortController();

  const point = (place) => {
    current = place;
    [...box.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === place)));
    const option = box.children[place];
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    clearTimeout(waiting);
    asking.abort();
    box.hidden = true;
    input.setAttribute("aria-expanded", "false");
    point(-1);
  };
  const take = (option) => {
    const before = input.value.slice(0, input.value.lastIndexOf(",") + 1);
    input.value = before + option.dataset.value;
    close();
  };
  const show = (found) => {
    const names = found.map(({ name }) => bare(name));
    const once = (name) => !name.includes(",") && names.indexOf(bare(name)) === names.lastIndexOf(bare(name));
    box.replaceChildren(...found.slice(0, 10).map(({ id, name, note }, number) => make(
      "li",
      { role: "option", id: `${box.id}-${number}`, "aria-selected": "false", "data-value": once(name) ? name : id },
      make("span", { dir: "auto" }, name),
      make("small", {}, note),
    )));
    box.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!box.hidden));
    point(-1);
  };
  const ask = async () => {
    const text = input.value.slice(input.value.lastIndexOf(",") + 1).trim();
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    if (!bare(text)) return close();
    try {
      const found = await SOURCES[input.dataset.suggest](text, signal, input);
      if (!signal.aborted) show(found);
    } catch (failed) {
      if (failed.name !== "AbortError") close();
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  input.addEventListener("keydown", (event) => {
    const many = box.children.length;
    if (event.key === "ArrowDown" && box.hidden) ask();
    else if (event.key === "ArrowDown") point((current + 1) % many);
    else if (event.key === "ArrowUp" && !box.hidden) point(current < 0 ? many - 1 : current - 1);
    else if (event.key === "Enter" && current >= 0) take(box.children[current]);
    else if (event.key === "Escape" && !box.hidden) close();
    else return;
    event.preventDefault();
  });
  // Before the field loses the focus, so that it keeps it.
  box.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    event.preventDefault();
    if (option) take(option);
  });
  input.addEventListener("blur", close);
}

all("input[data-suggest]").forEach(suggest);

// A moment is chosen by one's own clock, and sent with that clock's distance from UTC.

const two = (number) => String(number).padStart(2, "0");
const local = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
function withOffset(text) {
  const minutes = -new Date(text).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${text}${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

for (const field of all("input[data-moment]")) {
  const clock = make("input", { type: "datetime-local", class: "clock", "aria-label": "What was known on, by your clock", max: local(new Date()) });
  const given = new Date(field.value);
  if (!Number.isNaN(given.valueOf())) clock.value = local(given);
  clock.addEventListener("change", () => {
    field.value = clock.value && withOffset(clock.value);
  });
  field.after(clock);
}

for (const place of all("[data-local]")) {
  const moment = new Date(place.dataset.local);
  if (!Number.isNaN(moment.valueOf())) {
    place.textContent = ` (${moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })} by your clock)`;
  }
}

// Dragging over the bars chooses a stretch of time. Each bar is a link as well, for a click and for the keyboard.

function choose(picture) {
  const bars = [...picture.querySelectorAll("[data-first]")];
  if (!bars.length) return;
  let start = null;
  let span = [];
  let dragged = false;
  const at = (event) => event.clientX;
  const between = (from, to) => bars.filter((bar) => {
    const { left, right } = bar.getBoundingClientRect();
    return right > Math.min(from, to) && left < Math.max(from, to);
  });
  const mark = (found) => {
    span = found;
    bars.forEach((bar) => bar.classList.toggle("chosen", found.includes(bar)));
    picture.classList.toggle("choosing", found.length > 0);
  };
  const end = () => {
    start = null;
    mark([]);
  };
  picture.addEventListener("dragstart", (event) => event.preventDefault());
  picture.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button === 0) start = at(event);
  });
  // After dragging comes a click on where it ended, which is not what was meant.
  picture.addEventListener("click", (event) => dragged && event.preventDefault(), true);
  picture.addEventListener("pointermove", (event) => {
    if (start === null || !(event.buttons & 1) || (!span.length && Math.abs(at(event) - start) < 8)) return;
    if (!picture.hasPointerCapture(event.pointerId)) picture.setPointerCapture(event.pointerId);
    mark(between(start, at(event)));
  });
  picture.addEventListener("pointerup", () => {
    const [first, last] = [span[0], span.at(-1)];
    end();
    if (!first) return;
    dragged = true;
    const view = new URL(picture.dataset.view ?? location.href, location.href);
    view.searchParams.delete("cursor");
    view.searchParams.set("period", first.dataset.first === last.dataset.last ? first.dataset.first : `${first.dataset.first}/${last.dataset.last}`);
    location.assign(view);
  });
  picture.addEventListener("pointercancel", end);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
}

all("svg#histogram").forEach(choose);

// What is copied is what stands there.

async function copy(text) {
  // Only pages that came over TLS, or from this very machine, may use the clipboard itself.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = make("textarea", { class: "unseen", readonly: "" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("nothing was copied");
}

const said = make("p", { class: "unseen", role: "status" });
document.body.append(said);

for (const button of all("button[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.firstChild;
    const source = document.getElementById(button.dataset.copies);
    try {
      await copy(source.value ?? source.textContent);
      label.data = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      label.data = "Press Ctrl+C";
    }
    said.textContent = label.data;
    setTimeout(() => {
      label.data = "Copy";
      said.textContent = "";
    }, 2500);
  });
}

// News: what is recorded while one reads is told, and shown when it is asked for.

function follow(changes, sequence) {
  const news = make("p", { class: "news", role: "status", "aria-live": "polite" });
  document.body.append(news);
  const seen = new Set();
  const shown = Number(sequence);
  let after = shown;
  let stream = null;
  let again;
  let patience = 5;

  const tell = () => {
    const words = seen.size === 1 ? "1 change" : `${seen.size.toLocaleString("en")} changes`;
    news.replaceChildren(make("a", { href: location.pathname + location.search }, `${words}: show ${seen.size === 1 ? "it" : "them"}`));
  };
  const open = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(`${changes}${changes.includes("?") ? "&" : "?"}format=sse&after=${after}`);
    stream.onopen = () => { patience = 5; };
    stream.onmessage = ({ data }) => {
      const change = JSON.parse(data);
      after = Math.max(after, change.sequence);
      // Actors change what is shown of events, and are told with the events that they change.
      if (!change.event || change.sequence <= shown) return;
      seen.add(change.event);
      tell();
    };
    stream.onerror = () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      // It was refused: too many are listening, perhaps. Later, and not all at once.
      close();
      again = setTimeout(open, patience * (1 + Math.random()) * 1000);
      patience = Math.min(patience * 2, 300);
    };
  };
  const close = () => {
    clearTimeout(again);
    stream?.close();
    stream = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  // What shows the page comes first.
  if (document.readyState === "complete") open();
  else addEventListener("load", open);
}

if (document.body.dataset.changes) follow(document.body.dataset.changes, document.body.dataset.sequence);
