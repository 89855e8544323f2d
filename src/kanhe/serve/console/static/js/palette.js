// Search across everything: Ctrl K or ⌘K, arrows and Enter. It asks /search, which also answers as a page.
import { word } from "./words.js";

const dialog = document.getElementById("palette");
const field = dialog?.querySelector("input");
const found = document.getElementById("palette-found");
const WAIT_MS = 150;
let timer = 0;
let asking = null;
let at = -1;

const options = () => [...found.querySelectorAll("[role=option]")];

function choose(index) {
  const all = options();
  at = all.length ? (index + all.length) % all.length : -1;
  all.forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
  all[at]?.scrollIntoView({ block: "nearest" });
  if (all[at]) field.setAttribute("aria-activedescendant", all[at].id);
  else field.removeAttribute("aria-activedescendant");
}

function show(results) {
  found.replaceChildren();
  results.forEach((result, number) => {
    const option = document.createElement("a");
    option.id = `found-${number}`;
    option.setAttribute("role", "option");
    option.tabIndex = -1;
    option.href = result.href;
    option.append(document.createTextNode(result.title));
    const kind = document.createElement("small");
    kind.textContent = result.kind;
    option.append(kind);
    found.append(option);
  });
  if (!results.length && field.value.trim()) {
    const none = document.createElement("p");
    none.textContent = word("none");
    found.append(none);
  }
  field.setAttribute("aria-expanded", String(results.length > 0));
  choose(0);
}

async function ask() {
  asking?.abort();
  const text = field.value.trim();
  if (!text) return show([]);
  asking = new AbortController();
  try {
    const address = "/search?" + new URLSearchParams({ q: text });
    const answer = await fetch(address, { headers: { Accept: "application/json" }, signal: asking.signal });
    if (answer.ok) show((await answer.json()).results);
  } catch (error) {
    if (error.name !== "AbortError") show([]);
  }
}

function open(text = "") {
  if (!dialog || dialog.open || document.querySelector("dialog[open]")) return;
  field.value = text;
  dialog.showModal();
  field.focus();
  if (text) ask();
  else show([]);
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      options()[at].click();
    }
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
