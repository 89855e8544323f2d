// Charts and graphs of the pages about what was judged. Each has a table or a text with the same beside
// it, so that nothing is lost where scripts do not run.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour of the design as canvas understands it: `light-dark()` is resolved by the browser. */
function colour(name) {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const PALETTE = {
  events: "--chart-1",
  deny: "--chart-2",
  review: "--chart-3",
  allow: "--chart-4",
  challenge: "--chart-5",
  recorded: "--low",
};
const ORDER = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5"];

const pad = (number) => String(number).padStart(2, "0");

/** Places on an axis of time, in the reader's own time zone and as every language writes them. */
function times(zone) {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  return (plot, splits, axis, space, step) =>
    splits.map((at) => {
      const part = Object.fromEntries(format.formatToParts(at * 1000).map(({ type, value }) => [type, value]));
      if (step >= 86400) return `${part.month}-${part.day}`;
      return step >= 60 ? `${part.hour}:${part.minute}` : `${part.hour}:${part.minute}:${pad(part.second)}`;
    });
}

class Chart extends HTMLElement {
  connectedCallback() {
    this.data = JSON.parse(this.dataset.series);
    this.names = JSON.parse(this.dataset.names);
    this.draw();
    this.watcher = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.watcher.observe(this);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.scheme.addEventListener("change", this.redraw);
  }

  disconnectedCallback() {
    this.watcher?.disconnect();
    this.scheme?.removeEventListener("change", this.redraw);
    this.plot?.destroy();
  }

  size() {
    const legend = this.names.length > 1 ? 28 : 0;
    return { width: Math.max(120, this.clientWidth), height: Math.max(80, this.clientHeight - legend) };
  }

  /** How far two points of a chart of bars are apart. */
  step() {
    const [xs] = this.data;
    return xs.length > 1 ? xs[1] - xs[0] : 86400;
  }

  /** Show other data of the same shape. */
  show(data) {
    this.data = data;
    this.plot?.setData(data);
  }

  draw() {
    this.plot?.destroy();
    if (!this.data[0]?.length) return;
    const bars = this.dataset.kind === "bars";
    const keys = this.dataset.keys ? JSON.parse(this.dataset.keys) : [];
    const text = colour("--muted");
    const grid = colour("--chart-grid");
    const axis = { stroke: text, font: "11px system-ui", grid: { stroke: grid, width: 1 }, ticks: { show: false } };
    const series = this.names.map((label, place) => {
      const stroke = colour(PALETTE[keys[place]] ?? ORDER[place % ORDER.length]);
      return {
        label,
        stroke,
        width: bars ? 0 : 1.5,
        fill: bars ? stroke : undefined,
        points: { show: false },
        paths: bars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
        dash: !bars && place > 1 ? [4 + place, 3] : undefined,
      };
    });
    this.plot = new uPlot(
      {
        ...this.size(),
        padding: [8, 8, 0, 0],
        cursor: { drag: { x: false, y: false } },
        legend: { show: this.names.length > 1, live: this.dataset.live === undefined },
        scales: { x: { range: (plot, low, high) => (bars ? [low - this.step() / 2, high + this.step() / 2] : [low, high]) }, y: { range: (plot, low, high) => [0, Math.max(1, high * 1.1)] } },
        axes: [{ ...axis, values: times(this.dataset.zone || undefined), space: 70, size: 26 }, { ...axis, size: 46 }],
        series: [
          {
            label: this.dataset.time || "",
            value: (plot, at) =>
              at == null ? "" : new Date(at * 1000).toLocaleString(document.documentElement.lang, { timeZone: this.dataset.zone || undefined }),
          },
          ...series,
        ],
      },
      this.data,
      this,
    );
  }
}
customElements.define("kanhe-chart", Chart);

const MANY = 4;

class Graph extends HTMLElement {
  connectedCallback() {
    const { nodes, edges } = this.gathered(JSON.parse(this.dataset.graph));
    const elements = [
      ...nodes.map((node) => ({
        data: { ...node, text: this.named(node) },
        classes: [node.seed && "seed", node.hub && "hub", this.isBad(node) && "bad"].filter(Boolean).join(" "),
      })),
      ...edges.map((edge, place) => ({ data: { ...edge, id: `e${place}` } })),
    ];
    this.view = cytoscape({
      container: this,
      elements,
      style: this.look(),
      layout: { name: "cose", animate: false, randomize: true, nodeRepulsion: () => 14000, idealEdgeLength: () => 46, gravity: 1.6, nodeOverlap: 24, componentSpacing: 40, padding: 18, boundingBox: { x1: 0, y1: 0, w: this.clientWidth, h: this.clientHeight } },
      minZoom: 0.3,
      maxZoom: 3,
      userZoomingEnabled: false,
    });
    this.view.on("tap", "node", (event) => event.target.data("href") && location.assign(event.target.data("href")));
    this.view.on("mouseover", "node", () => this.classList.add("pointing"));
    this.view.on("mouseout", "node", () => this.classList.remove("pointing"));
    // The wheel scrolls the page until somebody has clicked into the graph.
    this.view.on("tap", () => this.view.userZoomingEnabled(true));
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.view.style(this.look());
    this.scheme.addEventListener("change", this.redraw);
  }

  disconnectedCallback() {
    this.scheme?.removeEventListener("change", this.redraw);
    this.view?.destroy();
  }

  named(node) {
    if (node.many) return `${node.many} × ${node.kindName}`;
    const label = node.label.length > 22 ? `${node.label.slice(0, 21)}…` : node.label;
    return `${node.kindName}\n${label}`;
  }

  /** Many of one kind that hang on one entity alone stand as one: the table names each. */
  gathered({ nodes, edges }) {
    const ends = new Map(nodes.map((node) => [node.id, []]));
    for (const edge of edges) {
      ends.get(edge.source).push(edge);
      ends.get(edge.target).push(edge);
    }
    const groups = new Map();
    for (const node of nodes) {
      const own = ends.get(node.id);
      if (node.seed || own.length !== 1 || this.isBad(node)) continue;
      const at = own[0].source === node.id ? own[0].target : own[0].source;
      const key = `${at} ${node.kind}`;
      groups.set(key, [...(groups.get(key) ?? []), { node, edge: own[0], at }]);
    }
    const gone = new Set();
    const made = { nodes: [], edges: [] };
    for (const [key, all] of groups) {
      if (all.length < MANY) continue;
      const id = `g ${key}`;
      for (const { node, edge } of all) gone.add(node).add(edge);
      made.nodes.push({ ...all[0].node, id, many: all.length, href: "", events: all.length });
      made.edges.push({ source: all[0].at, target: id, events: 1, strength: 0.3 });
    }
    return {
      nodes: [...nodes.filter((node) => !gone.has(node)), ...made.nodes],
      edges: [...edges.filter((edge) => !gone.has(edge)), ...made.edges],
    };
  }

  isBad(node) {
    return node.fraud > 0 || (node.refused >= 3 && node.refused * 2 >= Math.min(node.events, 100));
  }

  look() {
    const font = css("--font").split(",")[0] || "sans-serif";
    return [
      {
        selector: "node",
        style: {
          "background-color": colour("--low"),
          label: "data(text)",
          "text-wrap": "wrap",
          "text-max-width": 120,
          "font-size": 11,
          "font-family": font,
          color: colour("--text"),
          "text-valign": "bottom",
          "text-margin-y": 3,
          "text-background-color": colour("--surface"),
          "text-background-opacity": 0.85,
          "text-background-padding": 1,
          width: (node) => 10 + Math.min(16, Math.log2(1 + node.data("events")) * 1.6),
          height: (node) => 10 + Math.min(16, Math.log2(1 + node.data("events")) * 1.6),
        },
      },
      { selector: "node[?many]", style: { shape: "round-rectangle", "background-opacity": 0.5 } },
      { selector: "node.hub", style: { "background-color": colour("--surface"), "border-width": 1.5, "border-style": "dashed", "border-color": colour("--line-strong") } },
      { selector: "node.bad", style: { "background-color": colour("--critical"), shape: "diamond" } },
      { selector: "node.seed", style: { "border-width": 3, "border-style": "solid", "border-color": colour("--focus"), "font-weight": "bold" } },
      {
        selector: "edge",
        style: {
          width: (edge) => 1 + 3 * edge.data("strength"),
          "line-color": colour("--line-strong"),
          opacity: 0.65,
          "curve-style": "haystack",
        },
      },
    ];
  }
}
customElements.define("kanhe-graph", Graph);

// The live pages: the stream sends what charts show beside the text that htmx puts in place.
for (const source of document.querySelectorAll("[data-live-stream]")) {
  source.addEventListener("chart", (event) => {
    let data;
    try {
      data = JSON.parse(event.detail.data);
    } catch {
      return;
    }
    for (const chart of document.querySelectorAll("kanhe-chart[data-live]")) chart.show?.(data[chart.dataset.live]);
  });
}
