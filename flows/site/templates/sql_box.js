// SQL on the published tables, in the reader's own browser. Nothing is loaded before it is asked for, and everything
// comes from the folder of this file and the one above it.
const here = new URL(".", import.meta.url);
const MOST = 500;
let connection;

function script(address) {
  return new Promise((done, failed) => {
    const element = document.createElement("script");
    element.src = address;
    element.onload = done;
    element.onerror = () => failed(new Error(`${address} did not load`));
    document.head.append(element);
  });
}

async function connected(say) {
  if (connection) return connection;
  say("Loading the database engine (35 MB, 8 MB where the host compresses) …");
  await script(new URL("Arrow.esnext.min.js", here).href);
  const duckdb = await import("./duckdb-browser.mjs");
  const worker = new Worker(new URL("duckdb-browser-eh.worker.js", here).href);
  const database = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
  await database.instantiate(new URL("duckdb-eh.wasm", here).href);
  await database.open({ allowUnsignedExtensions: false, filesystem: { allowFullHTTPReads: true, reliableHeadRequests: true } });
  say("Opening the tables …");
  const file = new URL("../treasury-watch.duckdb", here).href;
  await database.registerFileURL("treasury-watch.duckdb", file, duckdb.DuckDBDataProtocol.HTTP, false);
  const opened = await database.connect();
  await opened.query("SET autoinstall_known_extensions = false");
  await opened.query("SET autoload_known_extensions = false");
  await opened.query("ATTACH 'treasury-watch.duckdb' AS published (READ_ONLY)");
  await opened.query("USE published");
  connection = opened;
  return connection;
}

// Every value as DuckDB writes it: no figure passes through a number of JavaScript.
async function rowsOf(sql, say) {
  const open = await connected(say);
  say("Running …");
  const asked = sql.trim().replace(/;\s*$/, "");
  const answer = await open.query(`SELECT COLUMNS(*)::VARCHAR FROM (\n${asked}\n) LIMIT ${MOST + 1}`);
  const names = answer.schema.fields.map((field) => field.name);
  const columns = names.map((_, place) => answer.getChildAt(place));
  const rows = Array.from({ length: answer.numRows }, (_, number) => columns.map((column) => column.get(number)));
  return { names, rows };
}

const plain = (text) => (text === null ? "" : text.replace(/^(-?\d+)\.0$/, "$1"));
const numeric = (text) => text === null || /^-?[\d.]+(e[+-]?\d+)?$/.test(text);

function shown({ names, rows }) {
  const table = document.createElement("table");
  const right = names.map((_, place) => rows.length > 0 && rows.every((row) => numeric(row[place])));
  const head = table.createTHead().insertRow();
  names.forEach((name, place) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    if (right[place]) cell.className = "figure";
    head.append(cell);
  });
  const body = table.createTBody();
  for (const row of rows.slice(0, MOST)) {
    const line = body.insertRow();
    row.forEach((value, place) => {
      const cell = line.insertCell();
      cell.textContent = plain(value);
      if (right[place]) cell.className = "figure";
    });
  }
  return table;
}

export function start(box) {
  const [text, button, state, result] = ["textarea", "button.run", ".state", ".result"].map((one) => box.querySelector(one));
  const say = (words) => (state.textContent = words);
  const run = async () => {
    button.disabled = true;
    try {
      const answer = await rowsOf(text.value, say);
      result.replaceChildren(shown(answer));
      const more = answer.rows.length > MOST;
      say(more ? `The first ${MOST} rows; there are more.` : `${answer.rows.length} rows.`);
    } catch (problem) {
      result.replaceChildren();
      say(String(problem.message || problem).split("\n")[0]);
    } finally {
      button.disabled = false;
    }
  };
  button.addEventListener("click", run);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  for (const example of box.querySelectorAll("button.example")) {
    example.addEventListener("click", () => {
      text.value = example.dataset.sql;
      run();
    });
  }
}
