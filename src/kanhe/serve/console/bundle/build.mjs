// Puts static/vendor together from node_modules: `make console-bundle`. Nothing is transformed but
// concatenated, so that what runs can be held against what was published.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const console_ = join(here, "..", "static");
const tests = join(here, "..", "..", "..", "..", "..", "tests", "browser", "vendor");
const lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8"));

const read = (path) => readFileSync(path, "utf8").replace(/\n?\/\/# sourceMappingURL=.*\n?/g, "\n").trimEnd() + "\n";
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

const files = [
  { to: "vendor/htmx.js", parts: ["htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-sse.min.js", "./trust.js"] },
  { to: "vendor/uplot.js", parts: ["uplot/dist/uPlot.iife.min.js"] },
  { to: "vendor/cytoscape.js", parts: ["cytoscape/dist/cytoscape.min.js"] },
  { to: "styles/05-uplot.css", parts: ["uplot/dist/uPlot.min.css"] },
  { to: "axe.js", parts: ["axe-core/axe.min.js"], forTests: true },
];

const manifest = { made_by: "make console-bundle", libraries: {}, files: {} };
for (const { to, parts, forTests } of files) {
  const text = parts.map((part) => read(part.startsWith("./") ? join(here, part) : join(modules, part))).join(";\n".repeat(to.endsWith(".js")));
  const target = join(forTests ? tests : console_, to);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  manifest.files[forTests ? `tests/browser/vendor/${to}` : to] = { sha256: sha256(text), from: parts };
}
for (const name of ["htmx.org", "uplot", "cytoscape", "axe-core"]) {
  const entry = lock.packages[`node_modules/${name}`];
  const about = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  manifest.libraries[name] = {
    version: entry.version,
    license: about.license,
    integrity: entry.integrity,
    source: about.repository.url.replace(/^git\+/, ""),
    for: name === "axe-core" ? "tests" : "console",
  };
  const licence = ["LICENSE", "LICENSE.txt", "LICENSE-3RD-PARTY.txt"].flatMap((file) => {
    try {
      return [readFileSync(join(modules, name, file), "utf8").trimEnd() + "\n"];
    } catch {
      return [];
    }
  });
  if (!licence.length) throw new Error(`${name} has no licence file`);
  const folder = name === "axe-core" ? tests : join(here, "licences");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.txt`), licence.join("\n"));
}
writeFileSync(join(here, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
