// Small comforts; every page works without them.
"use strict";

// Relative times go on while the page is open. The wording is that of parts.rs.
function span(seconds) {
  if (seconds < 120) return seconds + " s";
  if (seconds < 7200) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " d";
}

function tick() {
  for (const element of document.querySelectorAll(".ago[data-at]")) {
    const seconds = Math.floor(Date.now() / 1000) - Math.floor(Date.parse(element.dataset.at) / 1000);
    if (!Number.isFinite(seconds)) continue;
    const near = Math.abs(seconds) < 5;
    element.textContent = near ? "just now" : seconds > 0 ? span(seconds) + " ago" : "in " + span(-seconds);
  }
}

// The reader's own time, for those who hover.
for (const element of document.querySelectorAll("time[datetime]")) {
  const at = new Date(element.dateTime);
  if (!Number.isNaN(at.getTime())) element.title = at.toLocaleString() + " (your time)";
}

// One press is one act: a second press of the same form is ignored while the first is under way.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
  });
}
// Coming back to the page makes its forms usable again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The page was drawn with the server's clock; ours takes over only when it agrees to within two minutes.
const drawn = document.documentElement.dataset.now;
if (drawn && Math.abs(Date.now() - Date.parse(drawn)) < 120000) setInterval(tick, 30000);
