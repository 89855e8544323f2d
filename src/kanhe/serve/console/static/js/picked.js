// A form with data-with="picked" goes out with the rows that are picked: the dialogs of a list ask for
// the rest, and stand outside of the form that holds the boxes.
document.addEventListener("formdata", (event) => {
  if (event.target.dataset?.with !== "picked") return;
  for (const box of document.querySelectorAll("input[data-pick]:checked")) {
    event.formData.append("case", box.value);
  }
});

// Enter in the text of a dialog sends it, as it does in its other fields; Shift and Enter begins a line.
document.addEventListener("keydown", (event) => {
  const area = event.target;
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  if (!(area instanceof HTMLTextAreaElement) || !area.form || !area.closest("dialog")) return;
  event.preventDefault();
  area.form.requestSubmit();
});

