// Part of vendor/htmx.js, behind htmx itself: what htmx may do under Trusted Types.
//
// htmx parses what the server answers; that one thing is allowed, to htmx alone. Scripts in an answer
// come out empty, and expressions in attributes (hx-on, js:) throw: nothing is ever evaluated. Every
// request carries the token of the page's form, if it is of this origin.
(() => {
  const policy = globalThis.trustedTypes
    ? trustedTypes.createPolicy("kanhe", { createHTML: (text) => text, createScript: () => "" })
    : { createHTML: (text) => text, createScript: () => "" };

  function NeverEvaluated() {
    throw new Error("expressions in attributes are not evaluated here");
  }

  htmx.registerExtension("kanhe", {
    init(api) {
      api.initSecurity(policy, NeverEvaluated, NeverEvaluated);
    },
    htmx_config_request(element, { ctx }) {
      const token = document.querySelector("meta[name=csrf]")?.content;
      if (token && new URL(ctx.request.action, location.href).origin === location.origin) {
        ctx.request.headers["X-CSRF"] = token;
      }
    },
    htmx_before_on_init() {
      return false;
    },
  });
})();
