"use strict";
const all = (query) => [...document.querySelectorAll(query)];
const boxes = all("input[data-mask]");
let current = "";

function show(id) {
  current = id;
  for (const image of all(".picture .base")) image.hidden = image.dataset.id !== id;
  for (const tab of all("[data-tab]")) tab.setAttribute("aria-pressed", String(tab.dataset.tab === id));
}

function draw() {
  for (const box of boxes) {
    for (const layer of all(`.picture [data-layer="${box.dataset.mask}"]`)) layer.hidden = !box.checked;
  }
}

function only(number) {
  for (const box of boxes) box.checked = box.dataset.mask === number;
  const row = document.querySelector(`tr[data-row="${number}"]`);
  for (const other of all("tr[data-row]")) other.classList.toggle("current", other === row);
  show(row.dataset.base);
  draw();
}

for (const tab of all("[data-tab]")) tab.addEventListener("click", () => show(tab.dataset.tab));
for (const chip of all("[data-step]")) chip.addEventListener("click", () => only(chip.dataset.step));
for (const box of boxes) box.addEventListener("change", draw);
const strength = document.querySelector("#strength");
strength.addEventListener("input", () => {
  document.querySelector(".picture").style.setProperty("--strength", strength.value / 100);
});
const roads = document.querySelector("#roads");
if (roads) roads.addEventListener("change", () => { document.querySelector(".picture svg").toggleAttribute("hidden", !roads.checked); });
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[1-9]$/.test(event.key) && document.querySelector(`tr[data-row="${event.key}"]`)) only(event.key);
  const tabs = all("[data-tab]").map((tab) => tab.dataset.tab);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) show(tabs[(tabs.indexOf(current) + step + tabs.length) % tabs.length]);
});
const last = all("tr[data-row]").pop();
if (last) only(last.dataset.row); else show(all("[data-tab]")[0].dataset.tab);
