// The plan of rooms: drag a person to a seat, or walk with the arrows and press Enter. Without scripts: links and buttons.
(() => {
  "use strict";
  const form = document.querySelector("[data-rooms]");
  if (!form) return;
  const cells = (row) => [...row.querySelectorAll("td[data-spot]")];
  const inside = (cell) => cell?.querySelector("a[href], button");

  // The next seat in a direction that can be chosen, in the same room.
  const step = (cell, across, down) => {
    const rows = [...cell.closest("tbody").rows];
    let row = rows.indexOf(cell.parentElement), place = cells(rows[row]).indexOf(cell);
    for (;;) {
      row += down; place += across;
      const next = rows[row] && cells(rows[row])[place];
      if (!next) return null;
      if (inside(next)) return inside(next);
    }
  };
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === "Escape") { document.querySelector("[data-cancel]")?.click(); return; }
    const cell = event.target.closest?.("[data-rooms] td[data-spot]");
    const next = cell && ways[event.key] && step(cell, ...ways[event.key]);
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  // Who was picked or moved is where the keys go on. Browsers take the focus to where the address leads, so after that.
  addEventListener("load", () => setTimeout(() => {
    const at = location.hash.startsWith("#seat-") && document.getElementById(location.hash.slice(1));
    const first = form.hasAttribute("data-picked") ? form.querySelector("td[data-spot]") : null;
    inside(at || form.querySelector(".is-picked") || first)?.focus({ preventScroll: !at });
  }));

  let dragged = "";
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-pick]")?.dataset.pick ?? "";
    if (dragged) { event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", dragged); }
  });
  const over = (event) => dragged && event.target.closest?.("td[data-spot]");
  form.addEventListener("dragover", (event) => {
    const cell = over(event);
    if (!cell) return;
    event.preventDefault();
    for (const other of form.querySelectorAll(".is-over")) if (other !== cell) other.classList.remove("is-over");
    cell.classList.add("is-over");
  });
  document.addEventListener("dragend", () => {
    dragged = "";
    for (const cell of form.querySelectorAll(".is-over")) cell.classList.remove("is-over");
  });
  form.addEventListener("drop", (event) => {
    const cell = over(event);
    if (!cell) return;
    event.preventDefault();
    form.elements.person.value = dragged;
    const spot = Object.assign(document.createElement("input"), { type: "hidden", name: "spot", value: cell.dataset.spot });
    form.append(spot);
    form.submit();
  });
})();
