// What is shown follows the address: filters and order are its fragment, so that a view can be linked.
const $ = (selector) => document.querySelector(selector);
const unpacked = async (id) => {
  const bytes = Uint8Array.from(atob($(`#${id}`).textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
const table = $("#rows"), form = $("#filters"), rows = [...table.tBodies[0].rows];
const fields = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.field);
const specs = unpacked("specs").then(JSON.parse); // waited for by the charts alone
let sort = ""; // a field, after a minus if the largest is first
const onDark = Object.entries(JSON.parse($("#colors-on-dark").textContent));

const at = (row, field) => field === "style" ? row.dataset.style : row.cells[fields.indexOf(field)].textContent.trim();

function value(row, field) {
  const cell = row.cells[fields.indexOf(field)];
  if (cell.className === "missing") return null;
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}

const chosen = () => [...form.elements].filter((control) => control.name && control.value);

function show() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const control of form.elements) if (control.name) control.value = state.get(control.name) ?? "";
  const wanted = chosen();
  let shown = 0;
  for (const row of rows) {
    row.hidden = wanted.some(({ name, value }) =>
      name === "idiom" ? !at(row, name).toLowerCase().includes(value.toLowerCase()) : at(row, name) !== value);
    shown += !row.hidden;
  }
  sort = state.get("sort") ?? "";
  order();
  $("#shown").value = `${shown} of ${rows.length} rows`;
}

function order() {
  const descending = sort.startsWith("-"), field = sort.replace("-", "");
  for (const head of table.tHead.rows[0].cells)
    head.ariaSort = head.dataset.field === field ? (descending ? "descending" : "ascending") : "none";
  const compared = (a, b) => {
    const [x, y] = [value(a, field), value(b, field)];
    if (x === null || y === null) return (x === null) - (y === null); // what is missing is last in either order
    return (typeof x === "number" ? x - y : x.localeCompare(y)) * (descending ? -1 : 1);
  };
  table.tBodies[0].append(...(fields.includes(field) ? [...rows].sort(compared) : rows));
}

// Into the address goes what the form shows, which a link to a place in the page may have taken from it.
function go() {
  const state = new URLSearchParams(chosen().map((control) => [control.name, control.value]));
  if (sort) state.set("sort", sort);
  history.replaceState(null, "", `#${state}`);
  show();
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // not at once: the download reads it later
}

// A cell that a spreadsheet would take for a formula is text.
const quoted = (text) => `"${/^[=+\-@\t\r]/.test(text) && isNaN(text) ? "'" : ""}${String(text).replaceAll('"', '""')}"`;

function downloadRows() {
  const line = (row) => [...fields.map((field) => value(row, field) ?? ""), at(row, "style")].map(quoted).join(",");
  const visible = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  download("matrix.csv", [[...fields, "style"].join(","), ...visible.map(line)].join("\n") + "\n");
}

function openCode(row) {
  if (!row) return;
  const code = $(`#code-${row.dataset.code}`), dialog = $("#code");
  const [library, idiom] = [...row.cells].slice(table.contains(row) ? 1 : 0).map((cell) => cell.textContent);
  dialog.querySelector("h3").textContent = `${library}: ${idiom}`;
  dialog.querySelector("p").textContent = `benchmark_${library}.py, ${code.dataset.call}, ${code.dataset.lines} lines of code`;
  dialog.querySelector("pre").replaceChildren(code.content.cloneNode(true));
  dialog.showModal();
}

async function draw(figure) {
  const dark = document.documentElement.dataset.mode === "dark";
  let text = JSON.stringify((await specs)[figure.id]);
  if (dark) for (const [color, lighter] of onDark) text = text.replaceAll(`"${color}"`, `"${lighter}"`);
  const [ink, line] = dark ? ["#e8e8e8", "#3a3d42"] : ["#1a1a1a", "#ddd"];
  const small = figure.clientWidth < 520 && !figure.classList.contains("narrow");
  const config = {
    background: null,
    view: { stroke: null },
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line, titleFontWeight: 400 },
    legend: { labelColor: ink, titleColor: ink, symbolBaseFillColor: ink, symbolBaseStrokeColor: ink, ...(small ? { orient: "bottom", columns: 1 } : {}) },
    text: { color: ink },
  };
  return vegaEmbed(figure.querySelector(".chart"), JSON.parse(text), { config, actions: false });
}

const visible = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) { visible.unobserve(target); draw(target); }
}, { rootMargin: "400px" });

function theme(mode) {
  document.documentElement.dataset.mode = mode;
  for (const figure of document.querySelectorAll("figure")) { visible.unobserve(figure); visible.observe(figure); }
}

form.addEventListener("input", go);
form.addEventListener("reset", () => { history.replaceState(null, "", "#"); setTimeout(show); });
form.addEventListener("submit", (event) => event.preventDefault());
table.tHead.addEventListener("click", ({ target }) => {
  const head = target.closest("th");
  if (!head) return;
  sort = head.ariaSort === "ascending" ? `-${head.dataset.field}` : head.dataset.field;
  go();
});
document.addEventListener("click", ({ target }) => openCode(target.closest("tr[data-code]")));
document.addEventListener("keydown", (event) => {
  const row = event.key === "Enter" && event.target.closest("tr[data-code]");
  if (!row) return;
  event.preventDefault(); // or the same key would press the dialog's button
  openCode(row);
});
$("#download-rows").addEventListener("click", downloadRows);
for (const button of document.querySelectorAll("[data-csv]"))
  button.addEventListener("click", async () => download(`${button.dataset.csv}.csv`, await unpacked(button.dataset.csv)));
$("#mode").addEventListener("click", () => theme(document.documentElement.dataset.mode === "dark" ? "light" : "dark"));
// A link to a place in the page leaves the view as it is, and opens what is closed there.
addEventListener("hashchange", () => {
  if (location.hash.length < 2 || location.hash.includes("=")) return show();
  const place = document.getElementById(location.hash.slice(1));
  if (place?.tagName === "DETAILS") place.open = true;
});
if (location.hash.includes("=")) $("#matrix").scrollIntoView();
theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
show();
