// Draws the interactive chart of a holder's page in the place of the still one, for as many months as chosen.
(function () {
  "use strict";
  const holder = document.getElementById("spec");
  const target = document.getElementById("chart");
  if (!holder || !target || !window.vegaEmbed) return;
  // `ast` makes Vega interpret expressions: nothing is evaluated as code.
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true };
  const whole = JSON.parse(holder.textContent);
  const beside = 76; // what the axis and the last month's label need beside the plot
  const month = /^\d{4}-\d\d-\d\d$/;
  const buttons = Array.from(document.querySelectorAll(".ranges button"));
  let shown = 120;
  let drawn = "";

  function isMonths(node) {
    return Array.isArray(node) && node.length > 0 && node.every(function (one) { return typeof one === "string" && month.test(one); });
  }

  function months(node) {
    if (isMonths(node)) return node;
    if (node && typeof node === "object") {
      for (const part of Object.values(node)) {
        const found = months(part);
        if (found) return found;
      }
    }
    return null;
  }

  // Every list of months and every row of data from the first month shown on.
  function since(node, first, labelled) {
    if (isMonths(node)) {
      return node.filter(function (one) { return one >= first && (node.length === labelled || one.slice(5, 7) === "01" || shown === 24); });
    }
    if (Array.isArray(node)) {
      return node
        .filter(function (one) { return !(one && typeof one === "object" && typeof one.month === "string" && one.month < first); })
        .map(function (one) { return since(one, first, labelled); });
    }
    if (node && typeof node === "object") {
      return Object.fromEntries(Object.entries(node).map(function (pair) { return [pair[0], since(pair[1], first, labelled)]; }));
    }
    return node;
  }

  function draw() {
    const width = Math.max(200, target.clientWidth - beside);
    const state = width + " " + shown;
    if (drawn === state) return;
    drawn = state;
    const all = months(whole.vconcat) || [];
    const first = shown && all.length > shown ? all[all.length - shown] : all[0] || "";
    const spec = since(whole, first, all.length);
    for (const panel of spec.vconcat || []) panel.width = width;
    if (!spec.vconcat) spec.width = target.clientWidth;
    if (width < 400 && spec.config && spec.config.legend) spec.config.legend.columns = 1;
    const still = target.querySelector(".still");
    window.vegaEmbed(target, spec, options).catch(function () {
      if (still) target.replaceChildren(still); // the still chart states the same
    });
  }

  const group = document.querySelector(".ranges");
  if (group) group.hidden = false;
  buttons.forEach(function (button) {
    button.addEventListener("click", function () {
      shown = Number(button.dataset.months);
      buttons.forEach(function (one) { one.setAttribute("aria-pressed", String(one === button)); });
      draw();
    });
  });
  let waiting;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(draw, 150);
  });
  draw();
})();
