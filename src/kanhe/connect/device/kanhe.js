// Says how a form was filled: how long it took, into how many fields something was pasted, how many
// were filled without a person, and whether the browser says that a program drives it. It tells no
// value of any field, keeps nothing, and speaks with nobody: the form itself carries what it says.
(function () {
  "use strict";
  var me = document.currentScript;
  var respect = (me && me.dataset.respect) || "hints";
  var nav = navigator;
  if (respect !== "none" && (nav.globalPrivacyControl || nav.doNotTrack === "1")) return;
  var forms = new WeakMap();

  function of(form) {
    if (!forms.has(form)) forms.set(form, { at: 0, pasted: new Set(), touched: new Set() });
    return forms.get(form);
  }
  function note(event) {
    var field = event.target;
    var form = field && field.form;
    if (!form || !event.isTrusted) return;
    var seen = of(form);
    if (!seen.at) seen.at = performance.now();
    if (event.type === "paste") seen.pasted.add(field);
    if (event.type !== "focusin") seen.touched.add(field);
  }
  ["focusin", "input", "change", "paste"].forEach(function (type) {
    document.addEventListener(type, note, true);
  });
  function isChanged(field) {
    if (field.type === "hidden" || field.disabled) return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return "defaultValue" in field && field.value !== field.defaultValue;
  }
  function signals(form) {
    var seen = of(form);
    var scripted = Array.prototype.filter.call(form.elements, function (field) {
      return isChanged(field) && !seen.touched.has(field);
    });
    var said = {
      v: 1,
      p: Math.min(seen.pasted.size, 1000),
      s: Math.min(scripted.length, 1000),
      w: nav.webdriver === true
    };
    if (seen.at) said.f = Math.min(Math.round(performance.now() - seen.at), 86400000);
    return JSON.stringify(said);
  }
  // While the form gathers its fields, also where a script sends it by requestSubmit().
  document.addEventListener("formdata", function (event) {
    var form = event.target;
    if (form.elements.kanhe_signals) event.formData.set("kanhe_signals", signals(form));
  }, true);
  // For pages that send by script: the value of the header Kanhe-Signals.
  window.kanheSignals = signals;
})();
