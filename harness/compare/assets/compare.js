// SPDX-License-Identifier: Apache-2.0
// What compare.html does: draws a program's two timelines when it is opened. timeline.js stands before it.
document.querySelectorAll("details.case").forEach((section) => {
  const draw = () => {
    if (!section.open || section.dataset.drawn) return;
    section.dataset.drawn = "1";
    section.querySelectorAll(".tlbox").forEach((box) => {
      const root = box.querySelector(".tl-root");
      if (root) new Timeline(root, JSON.parse(box.querySelector(".tl-data").textContent));
    });
  };
  section.addEventListener("toggle", draw);
  draw();
});
function openTarget() {
  const t = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (t && t.matches("details.case")) { t.open = true; t.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);
openTarget();
