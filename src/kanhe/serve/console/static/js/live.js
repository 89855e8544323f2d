// What has come since the page was opened: an element with data-fresh="…" is an event of the stream
// that it or its ancestor is connected to (hx-sse:connect); it shows the count and hides at none.
for (const pill of document.querySelectorAll("[data-fresh]")) {
  const source = pill.closest("[hx-sse\\:connect]") ?? pill;
  source.addEventListener(pill.dataset.fresh, (event) => {
    let count = 0;
    try {
      count = Number(JSON.parse(event.detail.data));
    } catch {
      return;
    }
    const shown = pill.querySelector("[data-count]") ?? pill;
    shown.textContent = String(count);
    pill.hidden = !(count > 0);
  });
}
