// What scripts that zoom share: places in a plot, the band that is drawn over it, the keys that move
// it, durations as text.
"use strict";
Object.assign(tcpdw, (() => {
  const UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "μs"], [1, "ns"]];
  const written = (ns, digits = 4) => {
    const [length, unit] = UNITS.find(([one]) => Math.abs(ns) >= one) ?? UNITS[3];
    const value = ns / length;
    const whole = Math.trunc(Math.abs(value)).toString().length;
    const after = length === 1 ? 0 : Math.max(0, digits - whole);
    const text = value.toLocaleString("en", { minimumFractionDigits: after, maximumFractionDigits: after });
    return `${text.replace("-", "−")} ${unit}`;
  };

  // Where the plot is on the screen, and which part of its width a place in it is.
  const plot = (chart, holder) => {
    const box = holder.querySelector("svg").getBoundingClientRect();
    const [x, y] = chart.origin();
    const { left, top } = chart.padding();
    return { left: box.left + x + left, width: chart.width(), top: box.top + y + top, height: chart.height() };
  };
  const fraction = (event, area) => Math.min(Math.max((event.clientX - area.left) / area.width, 0), 1);

  // Draw a band over a plot, from a to b pixels, with its words.
  const place = (item, area, a, b, words) => {
    const corner = item.offsetParent.getBoundingClientRect();
    item.style.left = `${area.left - corner.left + a}px`;
    item.style.width = `${b - a}px`;
    item.style.top = `${area.top - corner.top}px`;
    item.style.height = `${area.height}px`;
    item.firstElementChild.textContent = words;
  };

  // What the keys do, by a plot's own ways to move by a part of its width, to zoom, and to show all.
  const keys = (move, zoom, all) => ({
    ArrowLeft: () => move(-0.2),
    ArrowRight: () => move(0.2),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    0: all,
  });

  return { written, plot, fraction, place, keys };
})());
