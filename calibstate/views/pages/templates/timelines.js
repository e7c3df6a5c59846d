// Timelines that are read when somebody asks for them, and tables of them.
"use strict";
(() => {
  const { element, load } = window.calibstate;

  // A timeline is a script, which is loaded when somebody asks for it.
  const read = async (file) => {
    const name = file.replace(/^.*\/|\.js$/g, "");
    if (!window.calibstateSelected?.[name]) await load(file);
    return window.calibstateSelected[name];
  };

  // Bounds sort as text as they do in time; what is unbounded is before all, or after.
  const FIRST = "";
  const LAST = "~";
  const bound = (text) =>
    text === FIRST || text === LAST ? "…" : text.replace(/(....)(..)(..)/, "$1-$2-$3");
  const intervals = (row) => {
    row.intervals ??= row.begin.split("|").map((begin, index, all) => ({
      begin,
      end: (all[index + 1] ?? row.end) || LAST,
      ticket: row.ticket[index],
      odd: row.odd[index] ?? [],
    }));
    return row.intervals;
  };
  const at = (row, moment) => intervals(row).find(({ begin, end }) => begin <= moment && moment < end);

  const table = (label, columns, rows) => {
    const region = element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" });
    const whole = element("table");
    const head = element("tr");
    head.append(...columns.map((column) => element("th", { scope: "col" }, column)));
    const body = rows.map((cells) => {
      const line = element("tr");
      // Dates are not broken.
      const look = (cell) => (/^\d{4}-\d\d/.test(cell) ? { class: "nb" } : {});
      line.append(...cells.map((cell) => element("td", look(cell), cell)));
      return line;
    });
    whole.append(element("thead"), element("tbody"));
    whole.tHead.append(head);
    whole.tBodies[0].append(...body);
    region.append(whole);
    return region;
  };
  Object.assign(window.calibstate, { read, intervals, at, bound, table });
})();
