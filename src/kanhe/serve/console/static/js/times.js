// Times that read as an age (`data-ago`) or as what is left (`data-left`), kept current.
import { word } from "./words.js";

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function span(seconds) {
  for (const [name, length] of UNITS) {
    if (seconds >= length) return word(name, Math.floor(seconds / length));
  }
  return word("second", 0);
}

function show(element, now) {
  const at = Date.parse(element.dateTime);
  if (Number.isNaN(at)) return;
  const seconds = Math.round((now - at) / 1000);
  let text;
  if ("left" in element.dataset) {
    text = seconds < 0 ? word("left", span(-seconds)) : word("over", span(seconds));
    element.classList.toggle("over", seconds >= 0);
    element.classList.toggle("near", seconds < 0 && seconds > -1800);
  } else {
    text = Math.abs(seconds) < 5 ? word("now") : word("ago", span(Math.max(seconds, 0)));
  }
  if (element.textContent !== text) element.textContent = text;
}

function showAll() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-ago], time[data-left]")) show(element, now);
}

showAll();
setInterval(showAll, 10_000);
document.addEventListener("htmx:after:swap", showAll);
document.addEventListener("visibilitychange", () => document.hidden || showAll());
