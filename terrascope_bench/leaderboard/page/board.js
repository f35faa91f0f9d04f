"use strict";
// Sorts tables whose head holds buttons. Values stand in data-v; an empty one goes last, whatever the direction.
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const status = document.getElementById("status");
  const value = (row, column) => row.cells[column].dataset.v;

  const sort = (column, down) => {
    const compare = heads[column].classList.contains("name") ? (a, b) => a.localeCompare(b, "en") : (a, b) => a - b;
    const rows = [...body.rows];
    rows.sort((one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return down ? compare(b, a) : compare(a, b);
    });
    body.append(...rows);
    heads.forEach((head, number) => {
      if (head.firstElementChild) head.setAttribute("aria-sort", number !== column ? "none" : down ? "descending" : "ascending");
    });
    status.textContent = `Sorted by ${heads[column].textContent.trim()}, ${down ? "highest" : "lowest"} first`;
  };

  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.disabled = false;
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      sort(column, now === "none" ? head.dataset.first !== "up" : now === "ascending");
    });
  });
}
document.body.dataset.ready = "";
