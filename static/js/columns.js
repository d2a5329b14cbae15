// Several cells of a spreadsheet, pasted into a field of points, go down the column and along the row from there on.
(() => {
  "use strict";
  const form = document.querySelector("[data-enter]");
  const said = form?.querySelector("[data-pasted]");
  if (!said) return;
  const fields = [...form.querySelectorAll("input[data-field], input[inputmode=decimal]")];
  const columns = Number(form.dataset.columns ?? 1);
  let before = [];

  const isOdd = (field, text) => field.inputMode === "decimal" && !/^[+-]?\d+([.,]\d+)?$/.test(text);
  const tell = (counts) => {
    for (const [name, count] of Object.entries(counts)) {
      const place = said.querySelector(`[data-count="${name}"]`);
      place.querySelector("b").textContent = count;
      place.hidden = !count;
    }
    said.hidden = false;
  };

  form.addEventListener("paste", (event) => {
    const at = fields.indexOf(event.target);
    const lines = (event.clipboardData?.getData("text/plain") ?? "").replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
    const rows = lines.map((line) => line.split("\t"));
    if (at < 0 || (rows.length === 1 && rows[0].length === 1)) return;
    event.preventDefault();
    const first = at % columns, counts = { filled: 0, empty: 0, over: 0, odd: 0 };
    before = [];
    for (const [down, cells] of rows.entries()) for (const [along, cell] of cells.entries()) {
      const text = cell.trim(), field = fields[at + down * columns + along];
      if (!text) counts.empty += 1;
      else if (!field || first + along >= columns || field.readOnly) counts.over += 1;
      else {
        before.push([field, field.value]);
        field.value = text;
        counts.filled += 1;
        counts.odd += isOdd(field, text);
      }
    }
    form.dispatchEvent(new Event("input"));
    tell(counts);
  });

  said.querySelector("button").addEventListener("click", () => {
    for (const [field, value] of before) field.value = value;
    before[0]?.[0].focus();
    said.hidden = true;
  });
})();
