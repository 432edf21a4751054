// SPDX-License-Identifier: Apache-2.0
// What report.html does beyond its static text: draws timelines when they come
// into view, filters the cases, switches the theme. timeline.js stands before it.

// A case is drawn when it is open and near the screen.
const drawn = new WeakMap();
function timelineOf(section) {
  const root = section.querySelector(".tl-root");
  if (!root) return null;
  if (!drawn.has(section)) drawn.set(section, new Timeline(root, JSON.parse(section.querySelector(".tl-data").textContent)));
  return drawn.get(section);
}
const near = new IntersectionObserver((entries) => {
  for (const e of entries) {
    if (!e.isIntersecting) continue;
    near.unobserve(e.target);
    timelineOf(e.target.closest(".case"));
  }
}, { rootMargin: "600px" });

document.querySelectorAll("details.case").forEach((section) => {
  const root = section.querySelector(".tl-root");
  if (!root) return;
  root.style.minHeight = Math.min(innerHeight * .76, root.dataset.lanes * LANE + AXIS) + 110 + "px"; // so that drawing moves nothing
  near.observe(root); // not intersecting while closed
  section.querySelectorAll(".violation").forEach((v) => {
    const b = v.querySelector(".show");
    if (!b) return;
    b.hidden = false;
    b.setAttribute("aria-pressed", "false");
    b.addEventListener("click", () => {
      const on = b.getAttribute("aria-pressed") !== "true", t = timelineOf(section);
      section.querySelectorAll(".show").forEach((o) => o.setAttribute("aria-pressed", String(on && o === b)));
      on ? t.show(Number(v.dataset.v)) : t.focus(null);
    });
  });
  const events = section.querySelector("details.events");
  events.hidden = false;
  events.addEventListener("toggle", () => {
    const box = events.querySelector(".scroll");
    if (events.open && !box.firstChild) box.append(timelineOf(section).table());
  });
});

let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  document.querySelectorAll("details.case[open]").forEach((s) => { const t = drawn.get(s); if (t) t.draw(); });
});

function openTarget() {
  const t = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (t && t.matches("details.case")) { t.open = true; t.hidden = false; t.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);
document.querySelectorAll("#cases a").forEach((a) => a.addEventListener("click", () => setTimeout(openTarget)));
openTarget();

// the filter over the table and the cases
const filter = document.getElementById("filter"), text = document.getElementById("text"), shown = document.getElementById("shown");
filter.hidden = false;
const rows = [...document.querySelectorAll("#cases tbody tr")], sections = [...document.querySelectorAll("details.case")];
const haystack = sections.map((s) => (s.querySelector("summary").textContent + " " + s.querySelector(".program").textContent).toLowerCase());
function apply() {
  const off = new Set([...filter.querySelectorAll('[aria-pressed="false"]')].map((b) => b.dataset.status));
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let n = 0;
  rows.forEach((r, i) => {
    const hide = off.has(r.dataset.status) || words.some((w) => !haystack[i].includes(w));
    r.hidden = sections[i].hidden = hide;
    if (!hide) n++;
  });
  shown.textContent = n === rows.length ? "" : `${n} of ${rows.length} cases`;
}
text.addEventListener("input", apply);
filter.querySelectorAll("button").forEach((b) => b.addEventListener("click", () => {
  b.setAttribute("aria-pressed", String(b.getAttribute("aria-pressed") !== "true"));
  apply();
}));

// light and dark: the system's choice until the reader makes one
const theme = document.getElementById("theme"), themes = ["", "light", "dark"];
let chosen = "";
try { chosen = localStorage.getItem("ringproof-theme") || ""; } catch (e) { /* file:// may have no storage */ }
function setTheme() {
  if (chosen) document.documentElement.dataset.theme = chosen; else delete document.documentElement.dataset.theme;
  theme.textContent = "theme: " + (chosen || "system");
}
theme.hidden = false;
theme.addEventListener("click", () => {
  chosen = themes[(themes.indexOf(chosen) + 1) % themes.length];
  try { localStorage.setItem("ringproof-theme", chosen); } catch (e) { /* not kept */ }
  setTheme();
});
setTheme();
