// Short messages in the corner, and problems above the page.
import { word } from "./words.js";

const SHOWN_MS = 6000;
const MOST = 4;
const box = document.getElementById("toasts");

/** Say a short text; it goes away by itself, not while the pointer rests on it. */
export function say(text) {
  if (!box || !text) return;
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  box.append(toast);
  while (box.children.length > MOST) box.firstElementChild.remove();
  leave(toast);
}

function leave(toast) {
  setTimeout(() => (toast.matches(":hover") ? leave(toast) : toast.remove()), SHOWN_MS);
}

for (const toast of box?.children ?? []) leave(toast);
document.addEventListener("toast", (event) => say(event.detail?.value));
document.addEventListener("htmx:error", (event) => {
  // What was given up for something newer is no failure.
  if (event.detail?.error?.name !== "AbortError") say(word("failed"));
});
document.addEventListener("click", (event) => {
  event.target.closest?.("[data-dismiss]")?.parentElement?.remove();
  const opener = event.target.closest?.("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
});
