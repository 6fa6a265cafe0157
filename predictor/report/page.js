// Put the live chart where its picture stands; where that fails the picture stays.
const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
const options = {
  mode: "vega-lite", renderer: "svg", ast: true, tooltip: { theme: dark ? "dark" : "light" },
  actions: { export: true, source: false, compiled: false, editor: false },
};
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const picture = figure.querySelector(".picture");
  const live = document.createElement("div");
  const chart = JSON.parse(figure.querySelector("script").textContent);
  vegaEmbed(live, chart, { ...options, downloadFileName: figure.dataset.chart })
    .then(() => picture.replaceWith(live))
    .catch(() => {});
}
