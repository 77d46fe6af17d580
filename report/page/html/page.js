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

const KEY_FIELDS = ["machine", "workload", "library", "idiom", "n_jobs", "one_shot_s", "relative", "verdict", "kept_s", "kept_relative", "outcome"];
for (const row of rows) for (const [place, cell] of [...row.cells].entries()) { // for narrow windows: see page.css
  cell.dataset.title = table.tHead.rows[0].cells[place].textContent;
  cell.classList.toggle("key", KEY_FIELDS.includes(fields[place]));
}

const at = (row, field) => field === "style" ? row.dataset.style : row.cells[fields.indexOf(field)].textContent.trim();

function value(row, field) {
  const cell = row.cells[fields.indexOf(field)];
  if (cell.classList.contains("missing")) return null;
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}

const chosen = () => [...form.elements].filter((control) => control.name && control.value);

// Whether something of these names passes the filters. The plain loop, which all is compared with, stays on any number
// of workers.
const WHERE = ["machine", "workload"];
const passes = (wanted, read, isLoop) => wanted.every(({ name, value }) =>
  read(name) === undefined || (isLoop && !WHERE.includes(name)) ||
  (name === "idiom" ? read(name).toLowerCase().includes(value.toLowerCase()) : String(read(name)) === value));

function show() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const control of form.elements) if (control.name) control.value = state.get(control.name) ?? "";
  const wanted = chosen();
  let shown = 0;
  for (const row of rows) {
    const isLoop = at(row, "library") === "serial" && !wanted.some(({ name }) => name !== "n_jobs" && !WHERE.includes(name));
    row.hidden = !passes(wanted, (name) => at(row, name), isLoop);
    shown += !row.hidden;
  }
  const machine = state.get("machine"); // of several, the others' sections go
  for (const part of document.querySelectorAll("[data-machine]")) part.hidden = Boolean(machine) && part.dataset.machine !== machine;
  reachable(rows.find((row) => !row.hidden));
  redraw();
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

function openCode(asked) {
  if (!asked) return;
  const code = $(`#code-${asked.dataset.code}`), dialog = $("#code");
  const { library, idiom } = asked.dataset;
  dialog.querySelector("h3").textContent = `${library}: ${idiom}`;
  dialog.querySelector("p").textContent = `benchmark_${library}.py, ${code.dataset.call}, ${code.dataset.lines} lines of code`;
  dialog.querySelector("pre").replaceChildren(code.content.cloneNode(true));
  dialog.showModal();
}

// A table is one stop of the Tab key: the arrow keys go from row to row.
function reachable(row) {
  const rowsBeside = row?.closest("tbody").rows ?? [];
  for (const other of rowsBeside) other.tabIndex = other === row ? 0 : -1;
}

// What the filters leave of a chart: rows of data, and names of its scales.
function filtered(part, wanted) {
  if (Array.isArray(part)) {
    const kept = part.filter((row) => !row || typeof row !== "object" || row.library === undefined ||
      passes(wanted, (name) => ({ ...row, n_jobs: row.workers })[name], row.library === "serial"));
    return kept.map((each) => filtered(each, wanted));
  }
  if (!part || typeof part !== "object") return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, filtered(value, wanted)]));
}

async function draw(figure) {
  const dark = document.documentElement.dataset.mode === "dark";
  const spec = (await specs)[figure.id], wanted = chosen();
  let text = JSON.stringify(wanted.length ? filtered(spec, wanted) : spec);
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
  const described = { description: figure.querySelector("b").textContent, ...JSON.parse(text) }; // for screen readers
  return vegaEmbed(figure.querySelector(".chart"), described, { config, actions: false });
}

// Charts in view are drawn first, all others after them, so that print and search find them.
const waiting = new Set();
function drawn(figure) {
  visible.unobserve(figure);
  return waiting.delete(figure) ? draw(figure) : undefined;
}
const visible = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) drawn(target);
}, { rootMargin: "400px" });
async function drawRest() {
  for (const figure of waiting) {
    await new Promise((resolve) => setTimeout(resolve));
    await drawn(figure);
  }
}
function redraw() {
  for (const figure of document.querySelectorAll("figure")) { waiting.add(figure); visible.unobserve(figure); visible.observe(figure); }
  drawRest();
}

function theme(mode) {
  document.documentElement.dataset.mode = mode;
  try { localStorage.setItem("mode", mode); } catch { /* a browser that remembers nothing */ }
  redraw();
}
function remembered() {
  try { return localStorage.getItem("mode"); } catch { return null; }
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
document.addEventListener("click", ({ target }) => openCode(target.closest("[data-code]")));
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("tbody tr[tabindex]");
  if (!row || row !== event.target) return;
  if (["Enter", " "].includes(event.key)) {
    event.preventDefault(); // or the same key would press the dialog's button
    openCode(row.dataset.code === undefined ? null : row);
  } else if (["ArrowDown", "ArrowUp"].includes(event.key)) {
    event.preventDefault();
    const shownRows = [...row.parentElement.rows].filter((each) => !each.hidden);
    const next = shownRows[shownRows.indexOf(row) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) { reachable(next); next.focus(); }
  }
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
// Charts that are folded have no width before they are opened.
for (const folded of document.querySelectorAll("details"))
  folded.addEventListener("toggle", () => { if (folded.open) for (const figure of folded.querySelectorAll("figure")) draw(figure); });
if (location.hash.includes("=")) $("#matrix").scrollIntoView();
for (const body of document.querySelectorAll(".numbers tbody")) reachable(body.rows[0]);
document.documentElement.dataset.mode = remembered() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
show();
