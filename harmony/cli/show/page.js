"use strict";
// A token is a span in a .text: data-t has its id (ids, if it takes several to make
// whole characters), data-b their bytes where they are not those of the text shown.
// The .text's data-at is the position of its first token.
const panel = document.getElementById("token");

const tokenOf = (node) => node.closest?.(".text > span[data-t]");
const idsOf = (span) => span.dataset.t.split(" ");

function bytesOf(span) {
  if (span.dataset.b !== undefined) return span.dataset.b.split("|");
  const bytes = new TextEncoder().encode(span.textContent);
  return [Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")];
}

function positionOf(span) {
  let position = Number(span.parentNode.dataset.at);
  for (let other = span.previousElementSibling; other; other = other.previousElementSibling) {
    if (other.dataset.t !== undefined) position += idsOf(other).length;
  }
  return position;
}

function entry(name, value) {
  const part = document.createElement("span");
  const label = document.createElement("b");
  const code = document.createElement("code");
  label.textContent = `${name} `;
  code.textContent = value;
  part.append(label, code);
  return part;
}

function show(span) {
  const ids = idsOf(span);
  const bytes = bytesOf(span).map((hex) => hex || "none: not in the vocabulary");
  panel.replaceChildren(
    entry("token", `${positionOf(span)}${ids.length > 1 ? ` and the next ${ids.length - 1}` : ""}`),
    entry(ids.length > 1 ? "ids" : "id", ids.join(", ")),
    entry("bytes", bytes.join(" | ")),
    entry("text", JSON.stringify(span.textContent)),
  );
}

// One token of each text can be reached with Tab; arrow keys move among them.
function focus(span) {
  for (const other of span.parentNode.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
  span.tabIndex = 0;
  span.focus();
}

function next(span, step) {
  let other = span;
  do other = other[step]; while (other && other.dataset.t === undefined);
  return other;
}

const steps = {
  ArrowRight: (span) => next(span, "nextElementSibling"),
  ArrowLeft: (span) => next(span, "previousElementSibling"),
  Home: (span) => span.parentNode.querySelector("span[data-t]"),
  End: (span) => [...span.parentNode.querySelectorAll(":scope > span[data-t]")].pop(),
};

document.addEventListener("mouseover", (event) => {
  const span = tokenOf(event.target);
  if (span) show(span);
});
document.addEventListener("focusin", (event) => {
  const span = tokenOf(event.target);
  if (span) show(span);
});
document.addEventListener("click", (event) => {
  const span = tokenOf(event.target);
  if (span && getSelection().isCollapsed) focus(span);
});
document.addEventListener("keydown", (event) => {
  const span = tokenOf(event.target);
  const step = span && !event.ctrlKey && !event.altKey && !event.metaKey && steps[event.key];
  if (!step) return;
  event.preventDefault();
  const other = step(span);
  if (other) focus(other);
});
