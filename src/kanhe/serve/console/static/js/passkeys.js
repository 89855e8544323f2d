// Forms with `data-passkey` are completed with a passkey: the question stands in `data-options`, the
// answer goes into the field `response`, and the form is sent as any other.

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const withBytes = (keys) => keys?.map((key) => ({ ...key, id: bytes(key.id) }));

/** The question as browsers want it (WebAuthn Level 3, 5.1.8 and 5.1.9, which not all have yet). */
function question(form) {
  const asked = JSON.parse(form.dataset.options);
  asked.challenge = bytes(asked.challenge);
  if (asked.user) asked.user = { ...asked.user, id: bytes(asked.user.id) };
  asked.excludeCredentials = withBytes(asked.excludeCredentials);
  asked.allowCredentials = withBytes(asked.allowCredentials);
  for (const name of Object.keys(asked)) if (asked[name] == null) delete asked[name];
  return asked;
}

/** The answer as the server reads it. */
function answer(credential) {
  const said = credential.response;
  const response = { clientDataJSON: text(said.clientDataJSON) };
  if (said.attestationObject) response.attestationObject = text(said.attestationObject);
  if (said.authenticatorData) response.authenticatorData = text(said.authenticatorData);
  if (said.signature) response.signature = text(said.signature);
  if (said.userHandle) response.userHandle = text(said.userHandle);
  if (said.attestationObject) delete response.authenticatorData;
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
  });
}

let waiting = null;

async function ask(form, mediation) {
  waiting?.abort();
  waiting = new AbortController();
  const publicKey = question(form);
  const { signal } = waiting;
  const credential =
    form.dataset.passkey === "make"
      ? await navigator.credentials.create({ publicKey, signal })
      : await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) });
  if (!credential) return;
  form.elements.response.value = answer(credential);
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const problem = form.querySelector("[data-passkey-problem]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    if (!globalThis.PublicKeyCredential) {
      problem.textContent = form.dataset.insecure;
      problem.hidden = false;
      return;
    }
    try {
      await ask(form);
    } catch (error) {
      // Another question took the place of this one: nothing to tell.
      if (error.name === "AbortError") return;
      problem.textContent = form.dataset.refused;
      problem.hidden = false;
    }
  });
  form.querySelector("[data-passkey-go]").disabled = false;
}

// Where the browser can, passkeys are offered in the field for the address, as passwords are.
const quiet = document.querySelector("form[data-passkey][data-conditional]");
if (quiet && (await globalThis.PublicKeyCredential?.isConditionalMediationAvailable?.())) {
  ask(quiet, "conditional").catch(() => {});
}
