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
      const last = runs.at(-1);
      if (number === last?.[1] + 1) last[1] = number;
      else runs.push([number, number]);
    }
    return runs.map(([first, last]) => (first === last ? first : `${first}..${last}`)).join(",");
  };
  const winners = ({ timeline, row }, moment) => {
    const interval = row && at(row, moment);
    if (!interval) return [];
    const rest = new Set(numbers(row.detectors));
    for (const [, text] of interval.odd) numbers(text).forEach((number) => rest.delete(number));
    return [...interval.odd, [interval.ticket, ranges(rest)]]
      .filter(([ticket]) => ticket >= 0)
      .map(([ticket, text]) => [timeline.tickets[ticket], text])
      .sort();
  };
  const inWords = (...sides) => {
    const [all, others] = sides.map((side) => JSON.parse(side));
    if (!all.length) return "nothing";
    const { size } = new Set([...all, ...others].flatMap(([, text]) => numbers(text)));
    if (numbers(all[0][1]).length === size) return all[0][0];
    return all.map((pair) => pair.join(" for ")).join("; ");
  };
  const byFilter = ({ rows }) => {
    const filters = (row) => (row.filters.length ? row.filters : [""]);
    return new Map(rows.flatMap((row) => filters(row).map((filter) => [`${row.type}\0${filter}`, row])));
  };
  // Spans in which a row differs; those that touch and are alike are one.
  const spans = (sides) => {
    const edges = sides.flatMap(({ row }) => (row ? intervals(row) : [])).flatMap(({ begin, end }) => [begin, end]);
    const sorted = [...new Set(edges)].sort();
    const all = [];
    sorted.slice(0, -1).forEach((begin, index) => {
      const end = sorted[index + 1];
      const [a, b] = sides.map((side) => JSON.stringify(winners(side, begin)));
      const last = all.at(-1);
      if (last?.a === a && last.b === b) last.end = end;
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
      different.map(({ begin, end, a, b }) => [
        type, filters.join(" "), bound(begin), bound(end), inWords(a, b), inWords(b, a),
      ]),
    );
    // Seals tell which tickets win, and have no datasets.
    return { rows, cells, same: first.fingerprint && first.fingerprint === second.fingerprint };
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
      const keys = () => selects.map(({ value }) => value).join();
      const before = keys();
      let result;
      try {
        result = compared(...(await Promise.all(options.map(({ dataset }) => read(dataset.file)))));
      } catch {
        status.textContent = "What they select could not be read.";
        return;
      }
      if (before !== keys()) return;
      const names = options.map(({ value }) => (value === "declared" ? "declared now" : value));
      const { rows, cells, same } = result;
      let select = `select ${same ? "the same calibrations" : "the same tickets"}, always`;
      if (rows) select = `select otherwise in ${rows} row${rows === 1 ? "" : "s"} of ${any.dataset.chain}`;
      const words = [`${names.join(" and ")} ${select}.`];
      const unsealed = Math.max(...options.map(({ dataset }) => dataset.unsealed));
      if (unsealed) words.push(`Of ${unsealed} collections no seal tells what they hold.`);
      const { most } = any.dataset;
      if (cells.length > most) words.push(`The first ${most} of ${cells.length} spans are shown.`);
      status.textContent = words.join(" ");
      if (rows) place.append(table("Differences", ["Type", "For", "From", "Until", ...names], cells.slice(0, most)));
    };
    selects.forEach((select, index) => {
      select.addEventListener("change", () => {
        asked[index] = select.value;
        put("ab"[index], select.value);
        show();
      });
    });
    show();
  }
})();
