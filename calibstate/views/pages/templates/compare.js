// Where any two timelines select otherwise.  Without this script there are the
// pairs that are made.
"use strict";
(() => {
  const { element, address, put, read, intervals, at, bound, table } = window.calibstate;

  // Any two: the same as Python tells of pairs that are made, in its words.
  const numbers = (text) =>
    text.split(",").filter(Boolean).flatMap((part) => {
      const [first, last = first] = part.split("..").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
  const ranges = (growing) => {
    const runs = [];
    for (const number of growing) {
      const last = runs[runs.length - 1];
      if (last && number === last[1] + 1) last[1] = number;
      else runs.push([number, number]);
    }
    return runs.map(([first, last]) => (first === last ? `${first}` : `${first}..${last}`)).join(",");
  };
  const winners = ({ timeline, row }, moment) => {
    const interval = row && at(row, moment);
    if (!interval) return [];
    const rest = new Set(numbers(row.detectors));
    const pairs = [];
    const add = (ticket, text) => {
      if (ticket >= 0) pairs.push(`${timeline.tickets[ticket]}\0${text}`);
    };
    for (const [ticket, text] of interval.odd) {
      for (const number of numbers(text)) rest.delete(number);
      add(ticket, text);
    }
    add(interval.ticket, ranges(rest));
    return pairs.sort().map((pair) => pair.split("\0"));
  };
  const inWords = (all, others) => {
    if (!all.length) return "nothing";
    const everywhere = new Set([...all, ...others].flatMap(([, text]) => numbers(text)));
    if (all[0][1] === ranges([...everywhere].sort((a, b) => a - b))) return all[0][0];
    return all.map(([ticket, text]) => `${ticket} for ${text}`).join("; ");
  };
  const byFilter = (timeline) => {
    const rows = new Map();
    for (const row of timeline.rows) {
      for (const filter of row.filters.length ? row.filters : [""]) rows.set(`${row.type}\0${filter}`, row);
    }
    return rows;
  };
  // Spans in which a row differs; those that touch and are alike are one.
  const spans = (sides) => {
    const edges = new Set();
    for (const { row } of sides) {
      for (const { begin, end } of row ? intervals(row) : []) edges.add(begin).add(end);
    }
    const sorted = [...edges].sort();
    const all = [];
    sorted.slice(0, -1).forEach((begin, index) => {
      const end = sorted[index + 1];
      const [a, b] = sides.map((side) => JSON.stringify(winners(side, begin)));
      const last = all[all.length - 1];
      if (last && last.a === a && last.b === b) last.end = end;
      else all.push({ begin, end, a, b });
    });
    return all.filter(({ a, b }) => a !== b);
  };
  const compared = (first, second) => {
    const [a, b] = [byFilter(first), byFilter(second)];
    const alike = new Map();
    let rows = 0;
    for (const key of [...new Set([...a.keys(), ...b.keys()])].sort()) {
      const different = spans([{ timeline: first, row: a.get(key) }, { timeline: second, row: b.get(key) }]);
      if (!different.length) continue;
      const [type, filter] = key.split("\0");
      const same = JSON.stringify([type, different]);
      if (!alike.has(same)) alike.set(same, { type, different, filters: [] });
      alike.get(same).filters.push(filter);
      rows += 1;
    }
    const cells = [...alike.values()].flatMap(({ type, different, filters }) =>
      different.map(({ begin, end, a: ofA, b: ofB }) => {
        const [inA, inB] = [JSON.parse(ofA), JSON.parse(ofB)];
        return [type, filters.join(" "), bound(begin), bound(end), inWords(inA, inB), inWords(inB, inA)];
      }),
    );
    return { rows, cells };
  };

  const any = document.querySelector(".any");
  if (any) {
    const status = element("p", { role: "status" });
    const place = element("div");
    const asked = ["a", "b"].map((name) => address.searchParams.get(name));
    const selects = asked.map((key, index) => {
      const select = document.getElementById("choices").content.firstElementChild.cloneNode(true);
      const label = element("label", {}, index ? "with " : "Compare ");
      label.append(select);
      any.append(label);
      select.value = key ?? "";
      return select;
    });
    any.append(status, place);
    const show = async () => {
      place.replaceChildren();
      const options = selects.map((select) => select.selectedOptions[0]);
      const unknown = asked.filter((key, index) => key && !options[index]);
      status.textContent = unknown.map((key) => `“${key}” is none of these.`).join(" ");
      if (!options.every((option) => option?.value)) return;
      const keys = () => selects.map((select) => select.value).join();
      const before = keys();
      let result;
      try {
        const [first, second] = await Promise.all(options.map((option) => read(option.dataset.file)));
        result = { ...compared(first, second), one: first.fingerprint, other: second.fingerprint };
      } catch {
        status.textContent = "What they select could not be read.";
        return;
      }
      if (before !== keys()) return;
      const names = options.map((option) => (option.value === "declared" ? "declared now" : option.value));
      const { rows, cells, one, other } = result;
      // Seals tell which tickets win, and have no datasets.
      let select = "select calibrations of the same tickets, always";
      if (one && one === other) select = "select the same calibrations, always";
      else if (one && other) select += ", and not the same datasets";
      if (rows) select = `select otherwise in ${rows} ${rows === 1 ? "row" : "rows"} of ${any.dataset.chain}`;
      const words = [`${names.join(" and ")} ${select}.`];
      const unsealed = Math.max(...options.map((option) => option.dataset.unsealed));
      if (unsealed) words.push(`Of ${unsealed} collections no seal tells what they hold.`);
      const { most } = any.dataset;
      if (cells.length > most) words.push(`The first ${most} of ${cells.length} spans are shown.`);
      status.textContent = words.join(" ");
      if (rows) place.append(table("Table of differences", ["Type", "For", "From", "Until", ...names], cells.slice(0, most)));
    };
    for (const [index, select] of selects.entries()) {
      select.addEventListener("change", () => {
        asked[index] = select.value;
        put("ab"[index], select.value);
        show();
      });
    }
    show();
  }
})();
