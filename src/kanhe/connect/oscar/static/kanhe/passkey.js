// Asks the browser for a passkey, or to make one, and sends what it answers with the form around the button.
"use strict";
(() => {
  const bytes = (text) => {
    const whole = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(whole, (c) => c.charCodeAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const asked = (options) => {
    const key = options.publicKey || options;
    const read = { ...key, challenge: bytes(key.challenge) };
    if (key.user) read.user = { ...key.user, id: bytes(key.user.id) };
    if (key.allowCredentials) read.allowCredentials = ids(key.allowCredentials);
    if (key.excludeCredentials) read.excludeCredentials = ids(key.excludeCredentials);
    return { publicKey: read };
  };

  const answered = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (made.response[name]) response[name] = text(made.response[name]);
    return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: made.getClientExtensionResults() };
  };

  for (const button of document.querySelectorAll("[data-kanhe-passkey]")) {
    const form = button.closest("form");
    const failed = form.querySelector("[data-kanhe-failed]");
    if (!window.PublicKeyCredential) { button.hidden = true; continue; }
    button.addEventListener("click", async () => {
      failed.hidden = true;
      try {
        const options = asked(JSON.parse(button.dataset.kanheOptions));
        const made = await navigator.credentials[button.dataset.kanhePasskey](options);
        form.elements.kanhe_passkey.value = JSON.stringify(answered(made));
        form.submit();
      } catch {
        failed.hidden = false;
      }
    });
  }
})();
