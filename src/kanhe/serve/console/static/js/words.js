// The few texts that scripts say, in the language of the page.
const words = document.getElementById("words")?.dataset ?? {};

/** The text of this name, with a value put in place of `{}`. */
export function word(name, value = "") {
  return (words[name] ?? "").replace("{}", () => String(value));
}
