// Ages, filters and marks.  Without this script a page tells the same.
"use strict";
(() => {
  const root = document.documentElement;
  const address = new URL(location);

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
    const banner = document.createElement("p");
    banner.className = "warning stale-page";
    banner.setAttribute("role", "status");
    banner.textContent = `? This page was made ${span(since(made))} ago. What it tells may no longer be so.`;
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
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = box.dataset.words || "word, state …";
    input.setAttribute("aria-label", "Show only what contains");
    input.value = address.searchParams.get("q") || "";
    let state = address.searchParams.get("state") || "";
    const count = document.createElement("span");
    count.className = "hint";
    count.setAttribute("role", "status");
    const buttons = [...new Set(rows.flatMap(statesOf))].sort().map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.s = name;
      button.textContent = `${name} ${rows.filter((row) => statesOf(row).includes(name)).length}`;
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

  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|textarea|select)$/i.test(event.target.tagName)) return;
    const input = document.querySelector("input[type=search]");
    if (!input) return;
    event.preventDefault();
    input.focus();
  });

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
