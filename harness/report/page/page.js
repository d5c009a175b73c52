// All Cells: rows in which every word that is searched for occurs, of one source and ending.

const filter = document.getElementById("filter");
const rows = [...document.getElementById("all").tBodies[0].rows];

function options(select, values) {
  select.append(...values.map((value) => new Option(value, value)));
}

function show() {
  const words = filter.text.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const row of rows) {
    const content = `${row.textContent} ${row.title}`.toLowerCase();
    const fits =
      words.every((word) => content.includes(word)) &&
      ["source", "status"].every((n) => [row.dataset[n], ""].includes(filter[n].value));
    row.hidden = !fits;
    shown += fits;
  }
  document.getElementById("count").textContent = `${shown} of ${rows.length} Cells`;
}

for (const name of ["source", "status"])
  options(filter[name], [...new Set(rows.map((row) => row.dataset[name]))].sort());
filter.addEventListener("input", show);
filter.addEventListener("submit", (event) => event.preventDefault());
show();

// What fits: of each method the first Cell, in the order given, that the card can hold.

const data = JSON.parse(document.getElementById("data").textContent);
const question = document.getElementById("question");

function answer() {
  const { card, batch, model } = Object.fromEntries(new FormData(question));
  const asked = data.cells.filter((cell) => cell.model === model && cell.batch === Number(batch));
  const found = [...new Set(asked.map((cell) => cell.method))].map((method) => {
    const cells = asked.filter((cell) => cell.method === method);
    const fitting = cells.find((cell) => cell.fits.includes(card));
    return { method, fitting, needs: (fitting ?? cells.at(-1)).needs_gib };
  });
  const rank = (one) => (one.fitting ? (one.fitting.how === "as published" ? 0 : 1) : 2);
  found.sort((one, other) => rank(one) - rank(other) || one.needs - other.needs);
  document.querySelector("#answers tbody").replaceChildren(
    ...found.map(({ method, fitting, needs }) => {
      const row = document.createElement("tr");
      const how = fitting ? fitting.how : "does not fit with any lever that was tried";
      for (const content of [method, how, needs.toFixed(2)]) {
        row.insertCell().textContent = content;
      }
      row.lastChild.className = "right";
      row.dataset.fits = Boolean(fitting);
      return row;
    }),
  );
  const { usable_gib } = data.cards.find((one) => one.name === card);
  const fitting = found.filter((one) => one.fitting).length;
  document.getElementById("answer").textContent =
    `${fitting} of ${found.length} methods fit ${card}, which has ${usable_gib} GiB for PyTorch, ` +
    `with a batch of ${batch}: ${model}.`;
}

if (question) {
  options(question.card, data.cards.map((card) => card.name));
  options(question.batch, [...new Set(data.cells.map((cell) => cell.batch))].sort((a, b) => a - b));
  options(question.model, data.models);
  question.card.value = data.first_card;
  question.addEventListener("input", answer);
  answer();
}
