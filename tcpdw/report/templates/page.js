// Draws the page's charts and switches its theme. Everything is in the page; nothing is asked for.
"use strict";
window.tcpdw = (() => {
  const made = new Map();
  const root = document.documentElement;

  // Data travel as columns and rows: names of fields would be most of the page.
  // A text that comes often is there once.
  const expanded = ({ columns, texts, rows }) =>
    rows.map((row) =>
      Object.fromEntries(
        columns.map((name, at) => [name, texts[at] ? texts[at][row[at]] : row[at]]),
      ),
    );

  // The house's look; what a chart says itself goes first.
  const config = JSON.parse(document.getElementById("config").textContent);
  const mixed = (own) => {
    const both = { ...config, ...own };
    for (const [name, value] of Object.entries(own)) {
      const is = (one) => one && typeof one === "object" && !Array.isArray(one);
      if (is(value) && is(config[name])) both[name] = { ...config[name], ...value };
    }
    return both;
  };

  const options = {
    actions: false,
    renderer: "svg",
    defaultStyle: false,
    // Expressions are interpreted, for the page's policy forbids to compile them.
    ast: true,
    tooltip: { disableDefaultStyle: true, theme: "page" },
  };

  // What charts have in common is there once.
  const specs = JSON.parse(document.getElementById("specs").textContent);

  const draw = async (source) => {
    const { like, params, data, ...own } = JSON.parse(source.textContent);
    const spec = like === undefined ? own.spec : { ...structuredClone(specs[like]), params };
    spec.config = mixed(spec.config ?? {});
    spec.datasets = { ...spec.datasets };
    for (const [name, rows] of Object.entries(data)) spec.datasets[name] = expanded(rows);
    const place = document.getElementById(source.dataset.chart);
    // Vega gives its own element a name and role of its own.
    const { view } = await vegaEmbed(place.firstElementChild, spec, options);
    place.classList.add("drawn");
    return view;
  };

  // One after the other, in the order of the page, so that the first is there at once.
  let last = Promise.resolve();
  for (const source of document.querySelectorAll("script[data-chart]")) {
    const view = last.then(() => draw(source));
    made.set(source.dataset.chart, view);
    last = view.then(
      () => new Promise((go) => setTimeout(go)),
      (error) => console.error(`chart ${source.dataset.chart}: ${error}`),
    );
  }
  last.then(() => root.classList.add("ready"));

  const button = document.getElementById("theme");
  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : wantsDark.matches);
  const tell = () => {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  wantsDark.addEventListener("change", tell);
  tell();
  button.hidden = false;

  // Paper shows what is folded away too.
  const folded = [];
  addEventListener("beforeprint", () => {
    for (const item of document.querySelectorAll("details.printed:not([open])")) {
      item.open = true;
      folded.push(item);
    }
  });
  addEventListener("afterprint", () => {
    for (const item of folded.splice(0)) item.open = false;
  });

  return { chart: (id) => made.get(id), ready: last };
})();
