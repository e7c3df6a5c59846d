// What is effective at a moment.  Without this script a page tells it by bars.
"use strict";
(() => {
  const { element, address, put, read, at, bound, table } = window.calibstate;
  const nameOf = (timeline, ticket) => (ticket < 0 ? "nothing" : timeline.tickets[ticket]);

  // One moment: a line across all pictures, and what each row selects then.
  const box = document.querySelector(".moment");
  const draw = (moment) => {
    for (const line of document.querySelectorAll("svg .at")) line.remove();
    let isInside = false;
    for (const axis of document.querySelectorAll("[data-from]")) {
      const { from, until } = axis.dataset;
      const share = (moment - from) / (until - from);
      if (!(share >= 0 && share <= 1)) continue;
      isInside = true;
      for (const picture of axis.closest("section").querySelectorAll(".tl svg")) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
        const x = `${100 * share}%`;
        const places = { class: "at", x1: x, x2: x, y1: "0", y2: "100%" };
        for (const [key, value] of Object.entries(places)) line.setAttribute(key, value);
        picture.append(line);
      }
    }
    return isInside;
  };
  const moment = (text) => {
    const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?$/.exec(text);
    if (!parts) return null;
    const [, day, minute = "00:00", second = ":00"] = parts;
    const whole = new Date(`${day}T${minute}${second.slice(0, 3)}Z`);
    // There is no 30th of February, though some would count on.
    if (Number.isNaN(whole.getTime()) || whole.toISOString().slice(0, 10) !== day) return null;
    const exact = `${minute}${second}`.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
    return { words: exact === "00:00:00" ? day : `${day} ${exact}`, seconds: whole / 1000 };
  };
  if (box) {
    const label = element("label", {}, "What is effective at ");
    const input = element("input", { placeholder: "2025-03-01T00:00:00", size: "22", spellcheck: "false" });
    const status = element("p", { role: "status" });
    const place = element("div");
    label.append(input);
    box.append(label, status, place);
    const say = (words, isWrong = false) => {
      status.textContent = words;
      input.setAttribute("aria-invalid", String(isWrong));
      place.replaceChildren();
    };
    const rowsAt = (timeline, when) =>
      timeline.rows
        .filter((row) => !box.dataset.type || row.type === box.dataset.type)
        .map((row) => {
          const interval = at(row, when);
          const start = [row.type, row.filters.join(" ")];
          if (!interval) return [...start, "nothing", "", "", ""];
          const odd = interval.odd.map(([ticket, numbers]) => `${nameOf(timeline, ticket)} for detector ${numbers}`);
          return [...start, nameOf(timeline, interval.ticket), bound(interval.begin), bound(interval.end), odd.join("; ")];
        });
    const show = async () => {
      const text = input.value.trim();
      const asked = moment(text);
      const isInside = draw(asked ? asked.seconds : NaN);
      if (!text) return say("");
      if (!asked) {
        return say(`“${text}” is no moment. Write one as 2025-03-01T00:00:00: TAI, without a zone.`, true);
      }
      let rows;
      try {
        rows = rowsAt(await read(box.dataset.file), asked.words.replaceAll("-", ""));
      } catch {
        return say("What is effective then could not be read.");
      }
      if (text !== input.value.trim()) return undefined;
      const without = rows.filter((cells) => cells[2] === "nothing").length;
      let words = `At ${asked.words} TAI: ${rows.length} rows`;
      if (without) words += `, of which ${without} find nothing`;
      say(`${words}.${isInside ? "" : " It is outside of the pictures."}`);
      place.replaceChildren(
        table("What is effective then", ["Type", "For", "Ticket", "From", "Until", "Other detectors"], rows),
      );
    };
    const change = () => {
      const text = input.value.trim();
      if (!text || moment(text)) put("at", text);
      show();
    };
    input.addEventListener("change", change);
    for (const axis of document.querySelectorAll("[data-from]")) {
      axis.closest("section").addEventListener("click", (event) => {
        const picture = event.target.closest(".tl svg");
        if (!picture) return;
        const { left, width } = picture.getBoundingClientRect();
        const { from, until } = axis.dataset;
        const seconds = Number(from) + ((event.clientX - left) / width) * (until - from);
        input.value = `${new Date(1000 * seconds).toISOString().slice(0, 10)}T00:00:00`;
        change();
      });
    }
    input.value = address.searchParams.get("at") || "";
    show();
  }
})();
