// One click places one order. The server makes sure of it; this only saves a second wait.
"use strict";
(() => {
  const form = document.getElementById("place_order_form");
  form?.addEventListener("submit", () => {
    const button = document.getElementById("place-order");
    if (button) button.disabled = true;
  });
  addEventListener("pageshow", () => {
    const button = document.getElementById("place-order");
    if (button) button.disabled = false;
  });
})();
