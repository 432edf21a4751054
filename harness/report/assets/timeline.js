// SPDX-License-Identifier: Apache-2.0
// Draws one case's timeline in report.html. No dependencies, no network. All
// text goes into the page as text nodes: programs and console lines are untrusted.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const LANE = 32;      // height of a lane
const MARK = 16;      // size of an event's mark
const AXIS = 30;      // height of the axis
// places in an event's array, see eventRow in timeline.go
const T = 0, KIND = 1, LANEOF = 2, CPU = 3, TID = 4, WORKER = 5, RES = 6, FLAGS = 7, REFS = 8, GREFS = 9, REQ = 10, ARG = 11, CQE = 12;

const letters = {
  submit: "S", prep_fail: "E", link: "l", fail_link: "x", defer: "D", issue: "I", issue_return: "r", punt: "P",
  worker: "W", poll_arm: "A", task_add: "t", task_run: "T", complete: "C", extra_cqe: "C", overflow: "C", free: "F",
  ring_create: "+", ring_gone: "–", task_exit: "X",
};
const full = { submit: 1, complete: 1, extra_cqe: 1, issue: 1, prep_fail: 1, defer: 1, worker: 1 };
const round = { complete: 1, extra_cqe: 1, overflow: 1 };
const legendMarks = [
  ["submit", "submitted"], ["prep_fail", "rejected at prep"], ["link", "linked"], ["defer", "held back by a drain"], ["issue", "issued"],
  ["issue_return", "issue returned"], ["punt", "handed to io-wq"], ["worker", "io-wq worker took it"], ["poll_arm", "poll armed"],
  ["task_add", "task work queued"], ["task_run", "task work ran"], ["fail_link", "link failed"], ["complete", "completed; the number is the CQE's place in its ring"],
  ["overflow", "CQE went to overflow"], ["free", "freed"],
];
const legendPhases = [
  ["queued", "queued"], ["deferred", "deferred"], ["running", "running in the task"], ["handed", "waits for io-wq or task work"],
  ["worker", "running in io-wq"], ["waiting", "issued, waiting"], ["parked", "done, CQE held back"], ["posted", "CQE posted, not freed"],
];

function el(name, attrs, ...kids) {
  const e = document.createElementNS(SVG, name);
  for (const k in attrs) e.setAttribute(k, attrs[k]);
  for (const kid of kids) e.append(kid);
  return e;
}
function html(name, attrs, ...kids) {
  const e = document.createElement(name);
  for (const k in attrs) e.setAttribute(k, attrs[k]);
  for (const kid of kids) e.append(kid);
  return e;
}
function time(ns) {
  if (ns < 1e6) return (ns / 1e3).toFixed(ns < 1e5 ? 1 : 0) + " µs";
  if (ns < 1e9) return (ns / 1e6).toFixed(ns < 1e7 ? 2 : 1) + " ms";
  return (ns / 1e9).toFixed(2) + " s";
}
function micros(ns) { return Math.floor(ns / 1000) + "." + String(ns % 1000).padStart(3, "0"); }
function clip(s, width) { const n = Math.max(1, Math.floor(width)); return s.length > n ? s.slice(0, n - 1) + "…" : s; }

// One pattern for all drawings: one in a closed case would not be painted.
document.body.append(el("svg", { class: "defs", "aria-hidden": "true" }, el("defs", {},
  el("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, el("path", { d: "M0 0V5" })))));

let tip;
function showTip(text, x, y) {
  if (!tip) { tip = html("div", { class: "tip", role: "status" }); document.body.append(tip); }
  tip.textContent = text;
  tip.hidden = false;
  const r = tip.getBoundingClientRect();
  tip.style.left = Math.max(8, Math.min(x + 12, innerWidth - r.width - 8)) + "px";
  tip.style.top = (y + 16 + r.height > innerHeight ? Math.max(4, y - r.height - 12) : y + 16) + "px";
}
function hideTip() { if (tip) tip.hidden = true; }

// Timeline draws one case into root.
class Timeline {
  constructor(root, data) {
    this.root = root;
    this.d = data;
    this.axis = "order";
    this.zoom = { order: 0, time: 0 }; // px from event to event, px per ns (0: fit)
    this.selected = -1;
    this.hot = null; // the violation in focus
    this.bad = new Map();
    data.violations.forEach((v) => v.events.forEach((e) => {
      this.bad.set(e, (this.bad.get(e) || []).concat(v.rule));
    }));
    this.build();
    this.zoom.order = this.fitOrder();
    this.draw();
  }

  word(i) { return this.d.words[i]; }
  kind(i) { return this.word(this.d.events[i][KIND]); }

  build() {
    const button = (text, title, click) => {
      const b = html("button", { type: "button", title }, text);
      b.addEventListener("click", click);
      return b;
    };
    this.byOrder = button("event order", "one column per event", () => this.setAxis("order"));
    this.byTime = button("real time", "columns by the guest's clock", () => this.setAxis("time"));
    const legend = html("details", { class: "more" }, html("summary", {}, "Legend"), this.legend());
    const tools = html("div", { class: "tools" },
      html("span", { class: "seg" }, this.byOrder, this.byTime),
      button("−", "zoom out", () => this.scale(1 / 1.5)), button("+", "zoom in", () => this.scale(1.5)),
      button("fit", "the whole run in the box", () => this.fit()));
    if (this.d.events.length < this.d.total)
      tools.append(html("span", { class: "small" }, `first ${this.d.events.length} of ${this.d.total} events; the trace has all`));
    this.box = html("div", { class: "tl", tabindex: "0", role: "group", "aria-label": "timeline, arrow keys go from event to event" });
    this.detail = html("p", { class: "detail", "aria-live": "polite" }, "Point at an event, or step through them with the arrow keys.");
    this.root.style.minHeight = "";
    this.root.replaceChildren(tools, this.box, this.detail, legend);
    this.box.addEventListener("pointermove", (e) => this.hover(e));
    this.box.addEventListener("pointerleave", hideTip);
    this.box.addEventListener("scroll", () => { hideTip(); requestAnimationFrame(() => this.paint()); });
    this.box.addEventListener("click", (e) => {
      const i = this.eventAt(e);
      if (i >= 0) this.select(i, false);
    });
    this.box.addEventListener("keydown", (e) => this.key(e));
  }

  legend() {
    const list = html("ul", { class: "legend" });
    for (const [k, text] of legendMarks) {
      const s = el("svg", { width: 20, height: 20, "aria-hidden": "true" }, this.mark(k, k === "complete" || k === "overflow" ? "1" : letters[k], 10, 10));
      list.append(html("li", {}, s, text));
    }
    for (const [k, text] of legendPhases) {
      const s = el("svg", { width: 30, height: 14, "aria-hidden": "true" },
        el("rect", { class: "ph ph-" + k, x: 1, y: k === "posted" ? 5 : 2, width: 28, height: k === "posted" ? 4 : 10, rx: 2 }));
      list.append(html("li", {}, s, text));
    }
    const lines = [["linkarrow", "link: the next element was issued"], ["linkarrow broken", "link: the next element was cancelled"], ["drainline", "a drained request goes ahead"]];
    for (const [c, text] of lines)
      list.append(html("li", {}, el("svg", { width: 30, height: 14, "aria-hidden": "true" }, el("path", { class: c, d: "M1 7H29" })), text));
    return list;
  }

  setAxis(a) { this.axis = a; this.draw(); if (this.selected >= 0) this.reveal(this.selected); }
  fit() {
    this.zoom[this.axis] = this.axis === "time" ? 0 : this.fitOrder();
    this.draw();
  }
  scale(f) {
    if (this.axis === "order") this.zoom.order = Math.max(2, Math.min(64, this.zoom.order * f));
    else this.zoom.time = Math.max(this.fitTime(), Math.min(this.fitTime() * 200, (this.zoom.time || this.fitTime()) * f));
    const mid = this.box.scrollLeft / Math.max(1, this.box.scrollWidth);
    this.draw();
    this.box.scrollLeft = mid * this.box.scrollWidth;
    this.paint();
    if (this.selected >= 0) this.reveal(this.selected);
  }
  gutter() { return innerWidth <= 760 ? 138 : 300; }
  room() { return Math.max(160, this.box.clientWidth - this.gutter() - 2); }
  // fitOrder is the widest step with which the run fits, within reason.
  fitOrder() {
    let low = 5, high = 30;
    for (let i = 0; i < 8; i++) {
      const mid = (low + high) / 2;
      this.layoutOrder(mid);
      if (this.width > this.room()) high = mid; else low = mid;
    }
    return low;
  }
  fitTime() {
    const ev = this.d.events, span = ev.length ? Math.max(1, ev[ev.length - 1][T]) : 1;
    return Math.max(1e-9, (this.room() - 40) / span);
  }

  // layout gives every event its x, and the gaps worth a word.
  layout() {
    if (this.axis === "time") {
      const ev = this.d.events;
      this.x = new Array(ev.length);
      this.gaps = [];
      const px = this.zoom.time || this.fitTime();
      let end = 0;
      for (let i = 0; i < ev.length; i++) { this.x[i] = 18 + ev[i][T] * px; end = Math.max(end, this.x[i]); }
      this.width = end + 30;
      return;
    }
    this.layoutOrder(this.zoom.order);
  }

  layoutOrder(w) {
    // Each event stands right of the one before it, by less than a mark's
    // width where many share the room, and clear of the marks in its own lane.
    const ev = this.d.events, deltas = [], last = new Array(this.d.lanes.length).fill(-Infinity);
    for (let i = 1; i < ev.length; i++) deltas.push(Math.max(0, ev[i][T] - ev[i - 1][T]));
    this.x = new Array(ev.length);
    this.gaps = [];
    const median = deltas.slice().sort((a, b) => a - b)[deltas.length >> 1] || 0;
    const long = Math.max(100e3, 20 * median);
    let x = 16;
    for (let i = 0; i < ev.length; i++) {
      if (i > 0 && deltas[i - 1] >= long) { x += MARK; this.gaps.push([x + 12, deltas[i - 1]]); x += 40; }
      x = Math.max(x, last[ev[i][LANEOF]] + MARK + 4);
      this.x[i] = last[ev[i][LANEOF]] = x;
      x += w;
    }
    this.width = x + 20;
  }

  y(lane) { return lane * LANE + LANE / 2; }

  draw() {
    const keep = this.box.scrollLeft, d = this.d;
    this.byOrder.setAttribute("aria-pressed", this.axis === "order");
    this.byTime.setAttribute("aria-pressed", this.axis === "time");
    this.layout();
    const width = Math.max(this.width, this.room()), height = d.lanes.length * LANE;
    const plot = el("svg", { width, height, class: "tl-plot", role: "img", "aria-label": "events of each request" });
    this.backdrop(plot, width);
    this.lines(plot, height);
    this.layer = el("g", {});
    plot.append(this.layer);
    const axis = el("svg", { width, height: AXIS, class: "tl-ax" });
    this.ticks(axis, plot, height);
    const corner = html("div", { class: "tl-corner" }, innerWidth <= 760 ? "request" : "request · flags · result");
    const grid = html("div", { class: "tl-in" }, corner, html("div", { class: "tl-axis" }, axis),
      html("div", { class: "tl-gut" }, this.side(height)), html("div", {}, plot));
    grid.style.gridTemplateColumns = this.gutter() + "px auto";
    this.box.replaceChildren(grid);
    this.box.scrollLeft = keep;
    this.span = null;
    this.paint();
  }

  // paint fills the layer with what is in sight and a screen to each side of
  // it; a small run is painted whole.
  paint() {
    const w = this.room(), left = this.box.scrollLeft, whole = this.d.events.length <= 1500;
    if (this.span && (whole || (left >= this.span[0] + w / 2 || this.span[0] <= 0) && left + w <= this.span[1] - w / 2)) return;
    this.span = whole ? [-Infinity, Infinity] : [left - w, left + 2 * w];
    this.layer.replaceChildren();
    this.d.lanes.forEach((l, li) => this.phases(this.layer, l, li));
    this.links(this.layer);
    this.marks(this.layer);
    this.frame();
    this.focus(this.hot);
  }

  // seen tells whether something from x0 to x1 is painted now.
  seen(x0, x1) { return x1 >= this.span[0] && x0 <= this.span[1]; }

  backdrop(svg, width) {
    this.d.lanes.forEach((l, li) => {
      if (l.bad) svg.append(el("rect", { class: "badlane", x: 0, y: li * LANE, width, height: LANE }));
      else if (l.group >= 0) svg.append(el("rect", { class: "band", x: 0, y: li * LANE, width, height: LANE }));
      svg.append(el("line", { class: "rowline", x1: 0, x2: width, y1: (li + 1) * LANE - .5, y2: (li + 1) * LANE - .5 }));
    });
  }

  // side draws the lanes' names, group brackets and chains.
  side(height) {
    const w = this.gutter(), narrow = w < 200, d = this.d, svg = el("svg", { width: w, height, role: "img", "aria-label": "requests, groups and chains" });
    this.backdrop(svg, w);
    for (const g of d.groups) {
      const y0 = this.y(g.leader), y1 = this.y(g.last), x = 22;
      if (g.size > 1) svg.append(el("path", { class: "bracket", d: `M${x + 8} ${y0}H${x}V${y1}H${x + 8}` }));
      for (const m of g.lanes.slice(1)) svg.append(el("path", { class: "bracket", d: `M${x} ${this.y(m)}h6` }));
      svg.append(el("rect", { class: "leader", x: x - 6, y: y0 - 7, width: 14, height: 14, rx: 3 }),
        el("text", { class: "leadertext", x: x + 1, y: y0 + 3.5, "text-anchor": "middle" }, "L"));
    }
    const end = (lane) => (d.lanes[lane].role === "leader" ? d.groups[d.lanes[lane].group].last : lane);
    for (const l of d.links) {
      const x = 8, a = this.y(end(l.a)), b = this.y(l.b);
      svg.append(el("circle", { class: "chainhead", cx: x, cy: a + 4, r: 2.5 }),
        el("path", { class: "chain" + (l.hard ? " hard" : ""), d: `M${x} ${a + 5}V${b - 6}` }),
        el("path", { class: "chainhead", d: `M${x - 4} ${b - 7}h8l-4 7z` }));
    }
    const tx = 38, per = (w - tx - 4) / 6.7, small = (w - tx - 4) / 6.1;
    d.lanes.forEach((l, li) => {
      const y = this.y(li), lines = [];
      const name = el("text", { x: tx, y: l.result ? y - 3 : y + 4 }, el("tspan", { "font-weight": 700 }, l.name));
      if (l.op) name.append(clip(" " + (l.label ? l.label + (narrow ? "" : " " + l.op) : l.op), per - l.name.length));
      svg.append(name);
      if (l.result) svg.append(el("text", { class: "dim", x: tx, y: y + 10 }, clip(narrow ? l.result : [l.result, l.flags].filter(Boolean).join(" · "), small)));
      if (l.bad) svg.append(el("text", { class: "badtext", x: w - 11, y: y + 4 }, "!"));
      lines.push(l.name + (l.label ? " " + l.label : ""), l.text || "", l.role ? `${l.role} of group ${l.group + 1} (${d.groups[l.group].size} requests)` : "",
        l.chain >= 0 ? "in chain " + (l.chain + 1) : "", l.result || "", l.bad ? "named by a violation" : "");
      svg.append(el("rect", { x: 0, y: li * LANE, width: w, height: LANE, fill: "transparent", "data-tip": lines.filter(Boolean).join("\n") }));
    });
    return svg;
  }

  lines(svg, height) {
    for (const [x] of this.gaps) svg.append(el("line", { class: "gap", x1: x, x2: x, y1: 0, y2: height }));
    this.drains = [];
    this.d.lanes.forEach((l, li) => {
      if (!l.drain) return;
      const lanes = l.group >= 0 ? this.d.groups[l.group].lanes : [li];
      const at = this.d.events.findIndex((e, i) => lanes.includes(e[LANEOF]) && this.kind(i) === "issue");
      if (at < 0) return;
      const x = this.x[at] - MARK / 2 - 3;
      svg.append(el("line", { class: "drainline", x1: x, x2: x, y1: 0, y2: height }));
      this.drains.push(x);
    });
  }

  phases(svg, lane, li) {
    const y = this.y(li), end = Math.max(this.width, this.room()) - 4;
    for (const [from, to, kind] of lane.phases) {
      const x0 = this.x[from], x1 = to < 0 ? end : this.x[to], h = kind === "posted" ? 4 : 10;
      if (!this.seen(x0, x1)) continue;
      svg.append(el("rect", { class: "ph ph-" + kind, x: x0, y: y - h / 2, width: Math.max(1, x1 - x0), height: h, "data-lane": li,
        "data-tip": `${lane.name} ${kind}` + (to < 0 ? ", to the end of the evidence" : ` for ${micros(this.d.events[to][T] - this.d.events[from][T])} µs`) }));
    }
  }

  links(svg) {
    for (const l of this.d.links) {
      if (l.from < 0 || l.to < 0 || !this.seen(Math.min(this.x[l.from], this.x[l.to]), Math.max(this.x[l.from], this.x[l.to]))) continue;
      const a = this.d.events[l.from], b = this.d.events[l.to], x0 = this.x[l.from], x1 = this.x[l.to];
      const down = b[LANEOF] > a[LANEOF] ? 1 : -1;
      const y0 = this.y(a[LANEOF]) + 9 * down, y1 = this.y(b[LANEOF]) - 9 * down, m = (y0 + y1) / 2;
      const c = "linkarrow" + (l.issued ? "" : " broken");
      svg.append(el("path", { class: c, d: `M${x0} ${y0}C${x0} ${m} ${x1} ${m} ${x1} ${y1 - 5 * down}` }),
        el("path", { class: c, "stroke-dasharray": "none", d: `M${x1 - 4} ${y1 - 6 * down}L${x1} ${y1}L${x1 + 4} ${y1 - 6 * down}` }));
    }
  }

  mark(kind, text, x, y) {
    const g = el("g", { class: `mk mk-${kind}` + (full[kind] ? " full" : ""), transform: `translate(${x} ${y})` });
    if (round[kind]) g.append(el("circle", { class: "sq", r: 8.5 }));
    else g.append(el("rect", { class: "sq", x: -MARK / 2, y: -MARK / 2, width: MARK, height: MARK, rx: 3 }));
    g.append(el("text", { y: 4, "font-size": text.length > 2 ? 8 : 10.5 }, text));
    return g;
  }

  marks(svg) {
    this.nodes = new Map();
    const next = new Array(this.d.lanes.length).fill(Infinity), late = [], thin = el("g", {}), whole = el("g", {});
    for (let i = this.d.events.length - 1; i >= 0; i--) {
      const e = this.d.events[i], kind = this.kind(i), x = this.x[i], y = this.y(e[LANEOF]), bad = this.bad.get(i);
      if (!this.seen(x - 12, x + 12)) continue;
      const room = next[e[LANEOF]] - x;
      let g;
      if (!round[kind] && !bad && room < MARK) {
        g = el("g", { class: "mk mk-" + kind, transform: `translate(${x} ${y})` },
          el("line", { x1: 0, x2: 0, y1: -8, y2: 8 }), el("rect", { class: "hit", x: -3, y: -12, width: 6, height: 24 }));
      } else {
        g = this.mark(kind, round[kind] ? String(e[CQE] || "C") : letters[kind] || "?", x, y);
        next[e[LANEOF]] = x;
      }
      if (bad) {
        g.append(el("circle", { class: "halo", r: 12 }), el("text", { class: "bang", x: 12, y: -6 }, "!"));
        late.push(g);
      }
      g.dataset.i = i;
      this.nodes.set(i, g);
      (g.firstChild.tagName === "line" ? thin : whole).append(g);
    }
    svg.append(thin, whole);
    late.forEach((g) => svg.append(g)); // on top
  }

  ticks(axis, plot, height) {
    let free = -1;
    for (const x of this.drains) {
      axis.append(el("text", { class: "draintext", x: x - 2, y: 10 }, "drain"));
    }
    const label = (x, text) => {
      if (x < free) return;
      axis.append(el("line", { class: "tick", x1: x, x2: x, y1: 24, y2: AXIS }), el("text", { class: "dim", x: x - 3, y: 22 }, text));
      free = x + text.length * 6.2 + 12;
    };
    if (this.axis === "time") {
      const px = this.zoom.time || this.fitTime(), want = 90 / px;
      let step = Math.pow(10, Math.floor(Math.log10(want)));
      if (step * 5 < want) step *= 10; else if (step * 2 < want) step *= 5; else if (step < want) step *= 2;
      step = Math.max(1, step);
      for (let t = 0; 18 + t * px < this.width; t += step) {
        label(18 + t * px, time(t));
        plot.prepend(el("line", { class: "tick", x1: 18 + t * px, x2: 18 + t * px, y1: 0, y2: height }));
      }
      return;
    }
    const gaps = new Map(this.gaps.map(([x, ns]) => [x, ns]));
    const spots = this.d.events.map((e, i) => [this.x[i], time(e[T])]);
    let n = 0;
    for (const [x, ns] of gaps) axis.append(el("text", { class: "dim", x: x - 14, y: 10 }, "+" + time(ns)));
    for (const [x, text] of spots) { if (n++ === 0 || x >= free) label(x, text); }
  }

  eventAt(e) {
    const g = e.target.closest && e.target.closest("[data-i]");
    return g ? Number(g.dataset.i) : -1;
  }

  describe(i) {
    const e = this.d.events[i], l = this.d.lanes[e[LANEOF]], out = [];
    const add = (name, v) => { if (v !== "" && v !== undefined) out.push(name + " " + v); };
    out.push(`${l.name}${l.label ? " " + l.label : ""}: ${this.kind(i)}  (event ${i})`);
    out.push(`${micros(e[T])} µs, CPU ${e[CPU]}, ${e[WORKER] ? "io-wq worker" : "task"} ${e[TID]}`);
    add("result", this.word(e[RES]));
    if (e[CQE]) add("CQE", e[CQE]);
    add("", this.word(e[ARG]));
    add("refs", this.word(e[REFS]));
    add("group refs", this.word(e[GREFS]));
    add("flags", this.word(e[FLAGS]));
    add("request", this.word(e[REQ]));
    if (this.bad.has(i)) out.push("! named by " + [...new Set(this.bad.get(i))].join(", "));
    return out.map((s) => s.trim());
  }

  hover(e) {
    if (e.pointerType === "touch") return;
    const i = this.eventAt(e);
    if (i >= 0) return showTip(this.describe(i).join("\n"), e.clientX, e.clientY);
    const text = e.target.dataset && e.target.dataset.tip;
    text ? showTip(text, e.clientX, e.clientY) : hideTip();
  }

  // frame marks the selected event.
  frame() {
    const i = this.selected;
    this.layer.querySelectorAll(".selbox").forEach((n) => n.remove());
    if (this.nodes.has(i)) this.nodes.get(i).append(el("rect", { class: "selbox", x: -12, y: -13, width: 24, height: 26, rx: 4 }));
  }

  select(i, reveal) {
    this.selected = i;
    this.detail.textContent = this.describe(i).join(" · ");
    if (reveal) this.reveal(i);
    this.frame();
  }

  reveal(i) {
    const x = this.x[i], y = this.y(this.d.events[i][LANEOF]), w = this.room(), h = this.box.clientHeight - AXIS;
    if (x < this.box.scrollLeft + 30 || x > this.box.scrollLeft + w - 40) this.box.scrollLeft = x - w / 2;
    if (y < this.box.scrollTop + LANE || y > this.box.scrollTop + h - LANE) this.box.scrollTop = y - h / 2;
    this.paint();
  }

  key(e) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (e.key === "Escape") { this.focus(null); hideTip(); return; }
    if (!step || e.altKey || e.ctrlKey || e.metaKey) return;
    e.preventDefault();
    const n = this.d.events.length;
    this.select(Math.max(0, Math.min(n - 1, this.selected < 0 ? 0 : this.selected + step)), true);
  }

  // focus dims all but one violation's events and requests.
  focus(n) {
    this.hot = n;
    this.box.classList.toggle("focus", n !== null);
    if (n === null) return;
    const v = this.d.violations[n], lanes = new Set(v.sqes), events = new Set(v.events);
    this.nodes.forEach((g, i) => g.classList.toggle("hot", events.has(i) || (!events.size && lanes.has(this.d.events[i][LANEOF]))));
    this.layer.querySelectorAll(".ph").forEach((p) => p.classList.toggle("hot", lanes.has(Number(p.dataset.lane))));
  }

  show(n) {
    this.focus(n);
    const v = this.d.violations[n];
    this.root.scrollIntoView({ block: "nearest" });
    if (v.events.length) this.select(v.events[0], true);
    else if (v.sqes.length) this.box.scrollTop = this.y(v.sqes[0]) - LANE * 2;
  }

  table() {
    const head = ["#", "µs", "cpu", "thread", "request", "event", "result", "CQE", "refs", "group refs", "detail", "flags", "address"];
    const t = html("table", { class: "plain evtable" }, html("thead", {}, html("tr", {}, ...head.map((h) => html("th", {}, h)))));
    const body = html("tbody", {});
    this.d.events.forEach((e, i) => {
      const l = this.d.lanes[e[LANEOF]];
      const cells = [i, micros(e[T]), e[CPU], e[TID] + (e[WORKER] ? " io-wq" : ""), l.name + (l.label ? " " + l.label : ""), this.kind(i), this.word(e[RES]),
        e[CQE] || "", this.word(e[REFS]), this.word(e[GREFS]), this.word(e[ARG]), this.word(e[FLAGS]), this.word(e[REQ])];
      const tr = html("tr", this.bad.has(i) ? { class: "bad" } : {}, ...cells.map((c, n) => html("td", n < 2 ? { class: "n" } : {}, String(c))));
      body.append(tr);
    });
    t.append(body);
    return t;
  }
}
