"use strict";
(function () {
  const scenarios = Array.from(document.querySelectorAll("details.scenario"));
  const form = document.querySelector("form.filter");
  const shown = document.getElementById("shown");

  // Large reports keep their drawings in templates; a drawing enters the page when it is opened.
  function draw(scenario) {
    scenario.querySelectorAll("template").forEach((held) => held.replaceWith(held.content));
  }
  scenarios.forEach((scenario) => {
    scenario.addEventListener("toggle", () => { if (scenario.open) draw(scenario); });
    if (scenario.open) draw(scenario);
  });

  function apply() {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const group = form.elements.group.value;
    const wanted = new Set(Array.from(form.querySelectorAll("[name=verdict]:checked"), (box) => box.value));
    let count = 0;
    scenarios.forEach((scenario) => {
      const data = scenario.dataset;
      const fits = wanted.has(data.verdict) && (!group || data.group === group) &&
        words.every((word) => data.words.includes(word));
      scenario.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count + " of " + scenarios.length + " shown";
  }
  if (form) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.querySelector("[data-fold]").addEventListener("click", () => {
      const visible = scenarios.filter((scenario) => !scenario.hidden);
      const open = !visible.some((scenario) => scenario.open);
      visible.slice(0, open ? 50 : visible.length).forEach((scenario) => { scenario.open = open; });
    });
    apply();
  }

  function show() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.matches("details.scenario")) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", show);
  show();

  document.querySelectorAll("button[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(button.previousElementSibling.textContent).then(() => {
        button.textContent = "Copied";
      });
    });
  });

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = scenarios.filter((scenario) => !scenario.open && !scenario.hidden && scenario.dataset.verdict !== "pass");
    opened.forEach((scenario) => { draw(scenario); scenario.open = true; });
    document.querySelectorAll("details.matrix:not([open])").forEach((part) => { part.open = true; opened.push(part); });
  });
  window.addEventListener("afterprint", () => opened.forEach((scenario) => { scenario.open = false; }));
})();
