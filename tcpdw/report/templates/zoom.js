// Zooms charts that share an axis of durations: its ends and ticks are their signals. The wheel alone
// scrolls the page, as ever.
"use strict";
(() => {
  const { fraction, place, plot } = tcpdw;
  const written = (ns) => tcpdw.written(ns, 3);
  const NARROWEST = 1.005;

  // As tcpdw/report/chart_scales.py has them.
  const ticks = (low, high) => {
    const decades = Math.log10(high / low);
    if (decades < 0.7) {
      let step = 10 ** Math.floor(Math.log10((high - low) / 3));
      step *= [1, 2, 5, 10].find((one) => (high - low) / (step * one) <= 7);
      const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
      return Array.from({ length: last - first + 1 }, (_, n) => +((first + n) * step).toFixed(6));
    }
    const steps = decades < 2.5 ? [1, 2, 5] : [1];
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const step of steps) found.push(+`${step}e${power}`);
    return found.filter((one) => one >= low && one <= high);
  };
  tcpdw.ticks = ticks;

  const attach = (stage, places, views) => {
    const [first, last, known] = ["low", "high", "ticks"].map((name) => views[0].signal(name));
    const band = stage.querySelector(".band");
    const reset = stage.querySelector("button");
    const told = stage.querySelector("output");
    let [low, high] = [first, last];
    let due = false;

    const draw = () => {
      due = false;
      const isAll = low === first && high === last;
      const marks = isAll ? known : ticks(low, high);
      for (const view of views)
        view.signal("low", low).signal("high", high).signal("ticks", marks).runAsync();
      reset.hidden = isAll;
      told.textContent = isAll ? "" : `${written(low)} to ${written(high)} in view`;
    };
    const show = (a, b) => {
      const wide = Math.min(Math.max(b / a, Math.min(NARROWEST, last / first)), last / first);
      const middle = Math.sqrt(a * b);
      const isAll = wide >= last / first;
      low = isAll ? first : Math.min(Math.max(middle / Math.sqrt(wide), first), last / wide);
      high = isAll ? last : Math.min(low * wide, last);
      if (!due) requestAnimationFrame(draw);
      due = true;
    };
    const at = (part) => low * (high / low) ** part;
    const zoom = (factor, part = 0.5) =>
      show(at(part - part * factor), at(part + (1 - part) * factor));
    const move = (part) => show(at(part), at(1 + part));
    const all = () => show(first, last);

    const keys = tcpdw.keys(move, zoom, all);
    stage.addEventListener("keydown", (event) => {
      const isOwn = event.target === stage && Object.hasOwn(keys, event.key);
      if (!isOwn || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      keys[event.key]();
    });
    reset.addEventListener("click", () => {
      all();
      // The button goes; who came to it by keyboard stays here.
      stage.focus({ preventScroll: true });
    });

    // The plot that is pointed at, and the place of all of them.
    const plots = () => views.map((view, n) => plot(view, places[n]));
    const inside = (event, area) =>
      event.clientX >= area.left && event.clientX <= area.left + area.width &&
      event.clientY >= area.top && event.clientY <= area.top + area.height;
    let pressed = null;
    const release = () => {
      pressed = null;
      band.hidden = true;
    };
    stage.addEventListener("pointerdown", (event) => {
      const area = plots().find((one) => inside(event, one));
      if (!area || event.button !== 0 || event.pointerType === "touch") return;
      pressed = fraction(event, area);
    });
    stage.addEventListener("pointermove", (event) => {
      if (pressed === null) return;
      // Not before it is a drag: a captured pointer points at no mark.
      const [area, ...below] = plots();
      const here = fraction(event, area);
      const [a, b] = [Math.min(here, pressed), Math.max(here, pressed)];
      if (band.hidden && (b - a) * area.width < 4) return;
      if (band.hidden) stage.setPointerCapture(event.pointerId);
      band.hidden = false;
      const end = below.at(-1) ?? area;
      const whole = { ...area, height: end.top + end.height - area.top };
      place(band, whole, a * area.width, b * area.width, `${written(at(a))} to ${written(at(b))}`);
    });
    stage.addEventListener("pointerup", (event) => {
      if (pressed === null) return;
      const here = fraction(event, plots()[0]);
      const [a, b] = [Math.min(here, pressed), Math.max(here, pressed)];
      if (!band.hidden && b > a) show(at(a), at(b));
      release();
    });
    stage.addEventListener("pointercancel", release);
    stage.addEventListener("dblclick", (event) => {
      if (plots().some((area) => inside(event, area))) all();
    });
    stage.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        zoom(event.deltaY < 0 ? 0.8 : 1.25, fraction(event, plots()[0]));
      },
      { passive: false },
    );

    stage.tabIndex = 0;
    stage.querySelector(".hint").hidden = false;
    stage.dataset.drawn = "";
  };

  for (const stage of document.querySelectorAll(".zoom")) {
    const ids = [...stage.querySelectorAll("script[data-chart]")].map((one) => one.dataset.chart);
    const places = ids.map((id) => document.getElementById(id));
    // A chart that cannot be drawn has said so already.
    Promise.all(ids.map(tcpdw.chart)).then((views) => attach(stage, places, views), () => {});
  }
})();
