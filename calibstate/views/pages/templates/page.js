// Ages, filters and marks.  Without this script a page tells the same.
"use strict";
(() => {
  const root = document.documentElement;
  const address = new URL(location);
  const element = (name, attributes = {}, words = "") => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = words;
    return made;
  };

  // How old: counted when the page is read, not when it was made.
  const now = root.dataset.now ? new Date(root.dataset.now) : new Date();
  const span = (seconds) => {
    if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} d`;
  };
  const since = (text) => (now - new Date(text)) / 1000;
  const absolute = (text) => text.slice(0, 16).replace("T", " ");
  const ages = [...document.querySelectorAll("time.ago")];
  const tellAges = () => {
    for (const time of ages) {
      const age = since(time.dateTime);
      time.title = `${absolute(time.dateTime)} UTC`;
      if (age > 0) time.textContent = `${span(age)} ago`;
    }
  };
  tellAges();
  const made = document.querySelector("meta[name=generated]").content;
  if (since(made) > 86400) {
    const words = `? This page was made ${span(since(made))} ago. What it tells may no longer be so.`;
    const banner = element("p", { class: "warning stale-page", role: "status" }, words);
    document.getElementById("main").prepend(banner);
  }

  // A screen on a wall asks again by itself.
  const refresh = Number(address.searchParams.get("refresh"));
  if (refresh >= 30) setTimeout(() => location.reload(), 1000 * refresh);

  // Filters live in the address, so that what one sees can be sent to others.
  const put = (name, value) => {
    const changed = new URL(location);
    // To set what is there already may spell it otherwise.
    if ((changed.searchParams.get(name) || "") === value) return;
    if (value) changed.searchParams.set(name, value);
    else changed.searchParams.delete(name);
    history.replaceState(null, "", changed);
  };
  const rows = [...document.querySelectorAll("[data-q]")];
  const statesOf = (row) => (row.dataset.s || "").split("|").filter(Boolean);
  for (const box of document.querySelectorAll(".filter")) {
    const input = element("input", {
      type: "search", placeholder: box.dataset.words || "word, state …", "aria-label": "Show only what contains",
    });
    input.value = address.searchParams.get("q") || "";
    let state = address.searchParams.get("state") || "";
    const count = element("span", { class: "hint", role: "status" });
    const buttons = [...new Set(rows.flatMap(statesOf))].sort().map((name) => {
      const words = `${name} ${rows.filter((row) => statesOf(row).includes(name)).length}`;
      const button = element("button", { type: "button", "data-s": name }, words);
      button.addEventListener("click", () => {
        state = state === name ? "" : name;
        show();
      });
      return button;
    });
    const show = () => {
      const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const has = words.every((word) => row.dataset.q.includes(word));
        row.hidden = !has || (state !== "" && !statesOf(row).includes(state));
        if (!row.hidden) shown += 1;
      }
      for (const part of document.querySelectorAll("[data-part]")) {
        part.hidden = !part.querySelector("[data-q]:not([hidden])");
      }
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.s === state));
      count.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
      put("q", input.value);
      put("state", state);
    };
    input.addEventListener("input", show);
    box.append(input, ...buttons, count);
    show();
  }

  // The same ticket in all rows; a page of a ticket marks its own.
  const bars = [...document.querySelectorAll(".seg")];
  const own = document.querySelector("[data-mark]");
  const chosen = address.searchParams.get("ticket") || (own ? own.dataset.mark : "");
  const ticketsOf = (bar) => bar.dataset.t.split("|").filter(Boolean);
  const mark = (tickets) => {
    for (const bar of bars) bar.classList.toggle("on", ticketsOf(bar).some((name) => tickets.includes(name)));
  };
  for (const bar of bars) {
    bar.addEventListener("pointerenter", () => mark(ticketsOf(bar)));
    bar.addEventListener("pointerleave", () => mark([chosen]));
  }
  mark([chosen]);

  // The search.  What it looks through is a script, since a page on a disk may
  // read nothing else; it is loaded when somebody begins to search.
  const loads = {};
  const load = (src) => {
    loads[src] ??= new Promise((resolve, reject) => {
      const script = element("script", { src });
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    // What failed may be asked for again.
    loads[src].catch(() => delete loads[src]);
    return loads[src];
  };
  const MOST = 12;
  const finder = document.querySelector(".find");
  const finding = element("input", {
    type: "text", role: "combobox", placeholder: "Search  /", "aria-label": "Search all pages",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "finds",
    autocomplete: "off", spellcheck: "false",
  });
  const list = element("div", { id: "finds", role: "listbox", "aria-label": "Pages" });
  const number = element("p", { class: "hint", role: "status" });
  const popup = element("div", { class: "finds" });
  popup.append(list, number);
  popup.hidden = true;
  finder.append(finding, popup);
  const file = new URL(finder.dataset.list, location);
  let targets;
  const ready = async () => {
    if (!window.calibstateSearch) await load(file);
    // Collections of a ticket stand with it, and lead to its page.
    targets ??= window.calibstateSearch.flatMap(([name, more, page, start, ends = []]) => [
      [name, more, page],
      ...ends.map((end) => [start + end, name, page, true]),
    ]);
    return targets;
  };
  const rank = ([name, , , isCollection], text) => {
    const words = name.toLowerCase();
    if (words === text) return 0;
    const begins = words.startsWith(text) || words.endsWith(text);
    // Collections are many, and would hide the pages.
    return (begins ? 1 : 2) + (isCollection ? 2 : 0);
  };
  const matching = (entries, text) => {
    const words = text.split(/\s+/);
    const matches = entries.filter(([name, more]) => {
      const all = `${name} ${more}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
    return matches.sort((a, b) => rank(a, text) - rank(b, text));
  };
  const choose = (option) => {
    for (const each of list.children) each.setAttribute("aria-selected", String(each === option));
    if (option) {
      finding.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else finding.removeAttribute("aria-activedescendant");
  };
  const open = (isOpen) => {
    popup.hidden = !isOpen;
    finding.setAttribute("aria-expanded", String(isOpen && list.children.length > 0));
    if (!isOpen) choose(null);
  };
  const find = async () => {
    const text = finding.value.trim().toLowerCase();
    if (!text) return open(false);
    let matches = [];
    let words = "The list of pages could not be read.";
    try {
      matches = matching(await ready(), text);
      words = matches.length > MOST ? `${MOST} of ${matches.length}` : `${matches.length || "Nothing"} found`;
    } catch {
      // Without a list there is nothing to choose from.
    }
    // Somebody wrote on meanwhile, and that is answered by itself.
    if (text !== finding.value.trim().toLowerCase()) return undefined;
    list.replaceChildren(
      ...matches.slice(0, MOST).map(([name, more, page], index) => {
        const href = new URL(page, file);
        const option = element("a", { role: "option", id: `find-${index}`, tabindex: "-1", href });
        option.append(element("b", {}, name), " ", element("span", { class: "hint" }, more));
        return option;
      }),
    );
    number.textContent = words;
    open(true);
    return choose(list.firstElementChild);
  };
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => {
      const option = list.querySelector("[aria-selected=true]");
      if (option && !popup.hidden) option.click();
    },
    Escape: () => {
      if (popup.hidden) finding.value = "";
      open(false);
    },
  };
  const step = (by) => {
    if (popup.hidden) return find();
    const all = [...list.children];
    const at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
    return choose(all[(at + by + all.length) % all.length]);
  };
  finding.addEventListener("focus", () => ready().catch(() => {}));
  finding.addEventListener("input", find);
  finding.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.isComposing) return;
    event.preventDefault();
    act();
  });
  finder.addEventListener("focusout", (event) => {
    if (!finder.contains(event.relatedTarget)) open(false);
  });

  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|textarea|select)$/i.test(event.target.tagName)) return;
    event.preventDefault();
    finding.focus();
  });

  window.calibstate = { address, element, load, put };

  // Paper has no present: absolute times, and all that is folded.
  addEventListener("beforeprint", () => {
    for (const time of ages) time.textContent = absolute(time.dateTime);
    for (const part of document.querySelectorAll("details")) {
      part.dataset.wasOpen = part.open ? "yes" : "";
      part.open = true;
    }
  });
  addEventListener("afterprint", () => {
    tellAges();
    for (const part of document.querySelectorAll("details")) part.open = part.dataset.wasOpen === "yes";
  });
})();
