// The editor of policy files: line numbers, mistakes at their place, saving by key.
// The text itself is a plain textarea; everything here only lies over it.

const form = document.querySelector("[data-editor]");
const text = form?.querySelector("textarea");
const gutter = form?.querySelector(".gutter");
const lenses = form?.querySelector(".lenses");
const LINE = 20;
const measure = document.createElement("canvas").getContext("2d");
let before = text?.value;

function width(part) {
  // A tab is as wide as four spaces (tab-size), Chinese as wide as the font makes it.
  return measure.measureText(part.replaceAll("\t", "    ")).width;
}

function mistakes() {
  return [...document.querySelectorAll("#mistakes [data-line]")].map((item) => ({
    line: Number(item.dataset.line),
    column: Number(item.dataset.column),
    width: Number(item.dataset.width),
    message: item.dataset.message,
  }));
}

function show() {
  const lines = text.value.split("\n");
  const found = mistakes();
  const wrong = new Set(found.map((one) => one.line));
  gutter.replaceChildren();
  lines.forEach((_, number) => {
    const mark = document.createElement(wrong.has(number + 1) ? "b" : "span");
    mark.textContent = `${number + 1}\n`;
    gutter.append(mark);
  });
  measure.font = getComputedStyle(text).font;
  const pad = parseFloat(getComputedStyle(text).paddingLeft);
  lenses.replaceChildren();
  const told = new Set();
  for (const one of found) {
    const line = lines[one.line - 1] ?? "";
    const from = width(line.slice(0, one.column - 1));
    const mark = document.createElement("span");
    mark.className = "lens";
    mark.dataset.at = String(one.line);
    place(mark, one.line, pad + from, Math.max(8, width(line.slice(one.column - 1, one.column - 1 + one.width))));
    lenses.append(mark);
    if (told.has(one.line)) continue;
    told.add(one.line);
    const message = document.createElement("span");
    message.className = "lens-text";
    message.textContent = one.message;
    place(message, one.line, pad + width(line) + 24);
    lenses.append(message);
  }
  follow();
}

function place(element, line, left, wide) {
  element.dataset.top = String((line - 1) * LINE + 8);
  element.dataset.left = String(left);
  if (wide) element.style.width = `${wide}px`;
}

function follow() {
  gutter.scrollTop = text.scrollTop;
  for (const element of lenses.children) {
    element.style.top = `${Number(element.dataset.top) - text.scrollTop}px`;
    element.style.left = `${Number(element.dataset.left) - text.scrollLeft}px`;
  }
}

function goTo(line, column) {
  const lines = text.value.split("\n");
  const at = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  text.focus();
  text.setSelectionRange(at, at);
  text.scrollTop = Math.max(0, (line - 8) * LINE);
  follow();
}

if (form) {
  show();
  if (Number(form.dataset.start)) goTo(Number(form.dataset.start), 1);
  text.addEventListener("input", show);
  text.addEventListener("scroll", follow);
  document.addEventListener("htmx:after:swap", show);
  document.addEventListener("click", (event) => {
    const item = event.target.closest?.("[data-goto]")?.closest("[data-line]");
    if (item) goTo(Number(item.dataset.line), Number(item.dataset.column));
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && !event.altKey) {
      event.preventDefault();
      if (!text.readOnly) form.requestSubmit();
    }
  });
  form.addEventListener("submit", () => { before = text.value; });
  window.addEventListener("beforeunload", (event) => {
    if (text.value !== before) event.preventDefault();
  });
}
