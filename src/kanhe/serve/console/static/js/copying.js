// Buttons with `data-copy` put their text on the clipboard.
import { word } from "./words.js";
import { say } from "./messages.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  say(word("copied"));
});
