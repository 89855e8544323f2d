// The card form stands in a frame of the gateway. This page gets a token from it, and no number.
"use strict";
(() => {
  const frame = document.getElementById("card-frame");
  const form = document.getElementById("card-form");
  const button = document.getElementById("card-continue");
  if (!frame || !form) return;
  const gateway = frame.dataset.gateway;
  form.addEventListener("submit", (event) => {
    if (form.elements.card_token.value) return;
    event.preventDefault();
    button.disabled = true;
    frame.contentWindow.postMessage({ gateway: "tokenise" }, gateway);
  });
  addEventListener("message", (event) => {
    if (event.origin !== gateway || event.source !== frame.contentWindow || !event.data) return;
    button.disabled = false;
    if (event.data.gateway !== "token") return;
    form.elements.card_token.value = event.data.token;
    form.elements.card_shown.value = event.data.brand.charAt(0).toUpperCase() + event.data.brand.slice(1) + " ···· " + event.data.last4;
    form.submit();
  });
  form.elements.card_token.value = "";
  addEventListener("pageshow", () => { form.elements.card_token.value = ""; button.disabled = false; });
})();
