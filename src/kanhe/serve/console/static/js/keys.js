// The keyboard. A page only marks what is there:
//   data-list                  a list whose rows j and k walk through
//     data-row                 a row; inside it a[data-open], [data-peek], input[data-pick]
//   data-key="a"               what this key presses: in the current row first, else on the page
//   data-go="q"                where g and this key lead
//   data-search                what / puts the cursor in
// No key does anything while somebody types, composes Chinese, holds a modifier, or has a dialog open.

const CHORD_MS = 1200;
const OFF = "kanhe.keys.off";
const help = document.getElementById("keys");
let chordUntil = 0;

const isOn = () => localStorage.getItem(OFF) === null;

function isTyping(event) {
  if (event.isComposing || event.keyCode === 229) return true;
  const element = event.composedPath()[0];
  if (!(element instanceof Element)) return false;
  if (element.isContentEditable) return true;
  if (element.matches("textarea, select")) return true;
  return element.matches("input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}

const rows = () => [...document.querySelectorAll("[data-list] [data-row]")].filter((row) => row.offsetParent);
const current = () =>
  document.activeElement?.closest?.("[data-row]") ?? document.querySelector("[data-list] [data-row].current");

function goTo(row) {
  if (!row) return;
  for (const other of document.querySelectorAll("[data-row].current")) other.classList.remove("current");
  row.classList.add("current");
  if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(current());
  goTo(all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))]);
  return true;
}

function pick() {
  const box = current()?.querySelector("input[data-pick]");
  box?.click();
  return Boolean(box);
}

function press(key) {
  const selector = `[data-key="${CSS.escape(key)}"]:not(:disabled)`;
  const shown = () =>
    [...document.querySelectorAll(selector)].find((element) => element.offsetParent && !element.closest("[data-row]"));
  let target = current()?.querySelector(selector) ?? shown();
  // What acts on picked rows acts on the current one where none is picked.
  const isForPicked = () => document.querySelector(`[data-with-picked][hidden] ${selector}`);
  if (!target && isForPicked() && pick()) target = shown();
  target?.click();
  return Boolean(target);
}

function onControl(event) {
  // Enter and Space belong to the link, button or box that has the focus.
  return event.target instanceof Element && event.target.matches("a, button, input, summary");
}

const ACTIONS = {
  j: () => step(1),
  k: () => step(-1),
  x: pick,
  Enter: (event) => !onControl(event) && follow("a[data-open]"),
  " ": (event) => !onControl(event) && follow("[data-peek]"),
  "/": () => {
    const field = document.querySelector("[data-search]");
    field?.focus();
    field?.select?.();
    return Boolean(field);
  },
  "?": () => {
    if (help && !help.open) help.showModal();
    return Boolean(help);
  },
};

function follow(selector) {
  const target = current()?.querySelector(selector);
  target?.click();
  return Boolean(target);
}

function went(key) {
  const link = document.querySelector(`a[data-go="${CSS.escape(key)}"]`);
  link?.click();
  return Boolean(link);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event) || document.querySelector("dialog[open]") || !isOn()) return;
  let done;
  if (event.timeStamp < chordUntil) {
    chordUntil = 0;
    done = went(event.key);
  } else if (event.key === "g") {
    chordUntil = event.timeStamp + CHORD_MS;
    done = true;
  } else if (Object.hasOwn(ACTIONS, event.key)) {
    done = ACTIONS[event.key](event);
  } else if (/^[a-z]$/.test(event.key) && !event.repeat) {
    done = press(event.key);
  }
  if (done) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches?.("input[data-pick]")) box.closest("[data-row]")?.classList.toggle("picked", box.checked);
  if (box.matches?.("input[data-pick], input[data-pick-all]")) tellPicked(box);
  if (box.matches?.("[data-keys-on]")) {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  }
});

// How many rows are picked: [data-picked] shows it, [data-with-picked] is there only with some.
function tellPicked(box) {
  if (box.matches("[data-pick-all]")) {
    for (const one of document.querySelectorAll("input[data-pick]")) {
      one.checked = box.checked;
      one.closest("[data-row]")?.classList.toggle("picked", box.checked);
    }
  }
  showPicked();
}

function showPicked() {
  const count = document.querySelectorAll("input[data-pick]:checked").length;
  for (const element of document.querySelectorAll("[data-picked]")) element.textContent = String(count);
  for (const element of document.querySelectorAll("[data-with-picked]")) element.hidden = count === 0;
}

document.addEventListener("htmx:after:swap", showPicked);
for (const button of document.querySelectorAll("[data-keys-help]")) {
  button.hidden = !help;
  button.addEventListener("click", () => help?.showModal());
}
const box = document.querySelector("[data-keys-on]");
if (box) box.checked = isOn();
showPicked();
