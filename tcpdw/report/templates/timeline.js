// Moves the timeline: what is in view is two of the charts' signals, ns since the origin.
"use strict";
tcpdw.ready.then(async () => {
  const [lanes, overview] = await Promise.all(["lanes", "overview"].map(tcpdw.chart));
  const find = (id) => document.getElementById(id);
  const section = find("timeline");
  const stage = find("stage");
  const whole = find("whole");
  const number = (item, name) => Number(item.dataset[name]);
  const first = number(section, "first");
  const last = number(section, "last");
  const rows = [...document.querySelectorAll("tr[data-step]")];
  const NARROWEST = 50;
  // The time that was asked for is marked until a step is.
  const NONE = number(section, "mark");
  let from = number(section, "from");
  let to = number(section, "to");
  let step = -1;
  let due = false;

  const { written, plot, fraction } = tcpdw;
  // A time to the digits that a pixel can tell.
  const time = (ns) => {
    const digits = Math.max(4, Math.ceil(Math.log10(Math.max(Math.abs(ns), 1) / ((to - from) / 1e3))));
    return (ns < 0 ? "" : "+") + written(ns, Math.min(digits, 12));
  };

  const draw = () => {
    due = false;
    for (const chart of [lanes, overview]) chart.signal("x0", from).signal("x1", to);
    lanes.signal("step", step < 0 ? NONE : number(rows[step], "t"));
    lanes.runAsync();
    overview.runAsync();
    find("view").textContent = `${written(to - from)} in view, from ${time(from)}`;
    for (const button of section.querySelectorAll("nav button[data-from]")) {
      const on = number(button, "from") === from && number(button, "to") === to;
      button.setAttribute("aria-pressed", on);
    }
  };

  const show = (a, b) => {
    const length = Math.min(Math.max(b - a, NARROWEST), last - first);
    const middle = (a + b) / 2;
    // Whole ns: the numbers that are shown are those that are in view.
    from = Math.round(Math.min(Math.max(middle - length / 2, first), last - length));
    to = Math.round(from + length);
    if (!due) requestAnimationFrame(draw);
    due = true;
  };
  const zoom = (factor, at = (from + to) / 2) => show(at - (at - from) * factor, at + (to - at) * factor);
  const move = (part) => show(from + (to - from) * part, to + (to - from) * part);

  const choose = (place) => {
    if (!rows.length) return;
    step = Math.min(Math.max(place, 0), rows.length - 1);
    for (const row of rows) row.removeAttribute("aria-current");
    const row = rows[step];
    row.setAttribute("aria-current", "step");
    const words = [...row.cells].map((cell) => cell.textContent.trim());
    const line = document.createElement("b");
    line.textContent = `${words[0]} ${row.querySelector(".what").firstChild.textContent}`;
    const exact = `at ${number(row, "t").toLocaleString("en", { signDisplay: "always" })} ns`;
    const rest = [exact, words[3] && `${words[3]} ms after the step before`, words[4], words[5], words[6], words[7] && `cpu ${words[7]}`];
    find("now").replaceChildren(line, ` · ${rest.filter(Boolean).join(" · ")}`);
    show(number(row, "from"), number(row, "to"));
  };

  for (const button of section.querySelectorAll("nav button[data-from]"))
    button.addEventListener("click", () => {
      step = -1;
      show(number(button, "from"), number(button, "to"));
    });
  find("in").addEventListener("click", () => zoom(0.5));
  find("out").addEventListener("click", () => zoom(2));
  const nearest = () => rows.findIndex((row) => number(row, "t") >= from);
  const onward = (by) => choose(step < 0 ? nearest() : step + by);
  find("next")?.addEventListener("click", () => onward(1));
  find("back")?.addEventListener("click", () => onward(-1));
  for (const [place, row] of rows.entries())
    row.querySelector("button").addEventListener("click", () => {
      choose(place);
      const seen = stage.getBoundingClientRect();
      if (seen.top < 0 || seen.bottom > innerHeight) section.scrollIntoView({ block: "start" });
    });

  const keys = {
    ...tcpdw.keys(move, zoom, () => show(first, last)),
    n: () => onward(1),
    p: () => onward(-1),
  };
  section.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  const cross = find("cross");
  const band = find("band");
  const place = (item, ...where) => {
    // Only what is displayed knows the element that it is placed in.
    item.style.display = "block";
    tcpdw.place(item, ...where);
  };
  const hide = (item) => {
    item.style.display = "none";
  };
  let pressed = null;
  stage.addEventListener("pointerdown", (event) => {
    const area = plot(lanes, stage);
    if (event.button !== 0 || event.clientX < area.left) return;
    pressed = fraction(event, area);
    hide(band);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const area = plot(lanes, stage);
    const at = fraction(event, area);
    const inside = event.clientX >= area.left && event.clientX <= area.left + area.width;
    if (!inside && pressed === null) return hide(cross);
    place(cross, area, at * area.width, at * area.width, time(from + at * (to - from)));
    if (pressed === null || Math.abs(at - pressed) * area.width < 3) return;
    const [a, b] = [Math.min(at, pressed), Math.max(at, pressed)];
    place(band, area, a * area.width, b * area.width, written((b - a) * (to - from)));
  });
  stage.addEventListener("pointerup", (event) => {
    if (pressed === null) return;
    const area = plot(lanes, stage);
    const at = fraction(event, area);
    const ends = [Math.min(at, pressed), Math.max(at, pressed)].map((part) => from + part * (to - from));
    const far = Math.abs(at - pressed) * area.width >= 3;
    pressed = null;
    if (event.shiftKey && far) return;
    hide(band);
    if (far) show(...ends);
  });
  stage.addEventListener("pointercancel", () => {
    pressed = null;
    hide(band);
  });
  stage.addEventListener("pointerleave", () => hide(cross));
  stage.addEventListener("dblclick", () => zoom(3));
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const area = plot(lanes, stage);
      zoom(event.deltaY < 0 ? 0.8 : 1.25, from + fraction(event, area) * (to - from));
    },
    { passive: false },
  );

  const travel = (event) => {
    if (!event.buttons) return;
    const at = first + fraction(event, plot(overview, whole)) * (last - first);
    show(at - (to - from) / 2, at + (to - from) / 2);
  };
  whole.addEventListener("pointerdown", travel);
  whole.addEventListener("pointermove", travel);

  draw();
  section.dataset.drawn = "";
});
