"use strict";

// Tables: a click on a column's name sorts by it, another the other way round.

function sortable(table) {
  table.querySelectorAll("thead th").forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(table, column));
    header.replaceChildren(button);
  });
}

function sort(table, column) {
  const headers = [...table.querySelectorAll("thead th")];
  const header = headers[column];
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  headers.forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const key = header.classList.contains("right") ? number : text;
  const keyed = [...table.tBodies[0].rows].map((row) => [key(row.cells[column]), row]);
  keyed.sort(([one], [other]) => compare(one, other, ascending));
  table.tBodies[0].append(...keyed.map(([, row]) => row));
}

const text = (cell) => cell.textContent.toLowerCase();

function number(cell) {
  const found = parseFloat(cell.textContent.replaceAll(",", ""));
  return Number.isNaN(found) ? null : found;
}

// What is no number stays at the end, whichever way it is sorted.
function compare(one, other, ascending) {
  if (one === null || other === null) return (one === null) - (other === null);
  const order = one < other ? -1 : one > other ? 1 : 0;
  return ascending ? order : -order;
}

document.querySelectorAll("table.sortable").forEach(sortable);

// Plots: a click enlarges, Escape or the button closes.

const enlarged = document.getElementById("enlarged");
document.querySelectorAll(".plot").forEach((button) =>
  button.addEventListener("click", () => {
    const { src, alt } = button.querySelector("img");
    Object.assign(enlarged.querySelector("img"), { src, alt });
    enlarged.showModal();
  }),
);
