// Draws what was recognised. In: an answer and the elements of the page. Out: boxes over the picture, bars beside it.
// Elements are kept from one frame of the camera to the next, so that boxes glide and the keyboard's focus stays.

import { frameOf, layOut, mirrorFaces, percent, tellFace } from "./layout.js";

const BARS = { width: 184, height: 145, label: 34 }; // of the bars over the picture, in pixels of the screen
const MIN_OVERLAP = 0.2; // of two boxes in successive frames, to be taken for the same face
const SMALLEST_FONT = 11; // pixels of the screen
const LETTERS = 0.92; // of the font that is laid out for: bold letters of wide fonts fit, too

/** Return an object with show(answer, source, mirrored) and clear(). */
export function createView({ boxes, list, nothing }) {
  let shown = []; // {face, box, card}: what stands on the page
  let selected = null;
  let last = null; // {answer, mirrored}: of what is shown

  function select(entry) {
    selected = entry;
    for (const other of shown) {
      other.box.classList.toggle("selected", other === entry);
      other.box.setAttribute("aria-pressed", String(other === entry));
      other.card.classList.toggle("selected", other === entry);
    }
  }

  function create(face) {
    const entry = { face, box: createBox(face), card: createCard(face) };
    entry.box.addEventListener("click", () => select(entry));
    entry.box.addEventListener("pointerenter", () => select(entry));
    entry.card.addEventListener("click", () => select(entry));
    return entry;
  }

  function show(answer, source, mirrored = false) {
    const before = shown;
    shown = answer.faces.map((face) => takeNearest(before, face) ?? create(face));
    last = { answer, mirrored };
    for (const entry of shown) fillCard(entry, source, mirrored);
    place();
    for (const gone of before) remove(gone);
    keepOrder(boxes, shown.map((entry) => entry.box));
    keepOrder(list, shown.map((entry) => entry.card));
    nothing.hidden = shown.length > 0;
    nothing.textContent = "No face was found.";
    list.classList.toggle("crowded", shown.length > 2);
    select(shown.includes(selected) ? selected : (shown[0] ?? null));
  }

  /** Put boxes and names where they belong for the size at which the picture is shown. */
  function place() {
    if (!last) return;
    const { answer, mirrored } = last;
    const faces = mirrored ? mirrorFaces(answer.faces, answer) : answer.faces;
    const scale = (boxes.clientWidth || answer.width) / answer.width;
    const marks = layOut(faces, answer, SMALLEST_FONT / scale);
    const covered = [...faces.map((face) => frameOf(face, answer)), ...marks.flatMap(listPlaces)];
    for (const [index, entry] of shown.entries()) {
      fillBox(entry, faces[index], marks[index], answer, { scale, index, count: shown.length });
      entry.box.dataset.bars = placeBars(faces[index], answer, covered, scale);
      const number = marks.some((mark) => mark.isNumber) ? `${index + 1} ` : "";
      entry.card.querySelector(".number").textContent = number;
    }
  }
  new ResizeObserver(place).observe(boxes);

  function clear() {
    for (const entry of shown) remove(entry);
    shown = [];
    selected = last = null;
  }

  return { show, clear };
}

/** Return one line about the faces, as a screen reader says it. */
export function summarise(faces) {
  if (!faces.length) return "No face was found.";
  const names = faces.slice(0, 5).map(tellFace).join(", ");
  const more = faces.length > 5 ? `, and ${faces.length - 5} more` : "";
  return `${faces.length} ${faces.length === 1 ? "face" : "faces"}: ${names}${more}.`;
}

function remove(entry) {
  entry.box.remove();
  entry.card.remove();
}

function keepOrder(parent, children) {
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

function takeNearest(entries, face) {
  const entry = findNearest(entries, face);
  if (!entry) return undefined;
  if ((entry.face.expression === null) !== (face.expression === null)) {
    remove(entry); // what turns out to be readable, or stops to be, has other bars: it is made anew
    return undefined;
  }
  entry.face = face;
  return entry;
}

function findNearest(entries, face) {
  if (!face.box) return entries.shift();
  const overlaps = entries.map((entry) => (entry.face.box ? overlap(entry.face.box, face.box) : 0));
  const best = overlaps.indexOf(Math.max(...overlaps));
  if (best < 0 || overlaps[best] < MIN_OVERLAP) return undefined;
  return entries.splice(best, 1)[0];
}

function overlap(a, b) {
  const shared = shareArea(a, b);
  return shared / (a.width * a.height + b.width * b.height - shared);
}

function shareArea(a, b) {
  const across = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const down = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return Math.max(0, across) * Math.max(0, down);
}

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

function createBox(face) {
  const box = make("button", "box", make("span", "outline"), make("span", "label"), createBars(face, "span"));
  box.type = "button";
  box.lastChild.classList.add("over");
  return box;
}

/** Return one bar an expression; as a table they can be read, as spans they are drawn over the picture. */
function createBars(face, tag) {
  const inTable = tag === "table";
  const bars = make(tag, "bars");
  const rows = inTable ? bars.appendChild(document.createElement("tbody")) : bars;
  for (const expression of Object.keys(face.probabilities)) {
    const heading = make(inTable ? "th" : "span", "expression", expression);
    if (inTable) heading.scope = "row";
    const bar = make(inTable ? "td" : "span", "bar", make("span", "fill"));
    if (inTable) bar.setAttribute("aria-hidden", "true");
    rows.append(make(inTable ? "tr" : "span", "row", heading, bar, make(inTable ? "td" : "span", "share")));
  }
  if (!inTable) bars.setAttribute("aria-hidden", "true");
  return bars;
}

function createCard(face) {
  const cut = make("canvas", "cut");
  cut.width = cut.height = 96;
  const heading = make("h3", "heading", make("span", "number"), make("span", "best"), make("span", "sure"));
  const table = createBars(face, "table");
  table.setAttribute("aria-label", "Probability of each expression");
  return make("li", "card", make("div", "top", cut, heading), table);
}

function fillBars(bars, face) {
  const rows = bars.querySelectorAll(".row");
  Object.entries(face.probabilities).forEach(([expression, share], index) => {
    rows[index].classList.toggle("best", expression === face.expression);
    rows[index].querySelector(".fill").style.width = `${share * 100}%`;
    rows[index].querySelector(".share").textContent = percent(share);
  });
}

function fillBox({ box, face }, placed, mark, picture, { scale, index, count }) {
  const frame = frameOf(placed, picture);
  setPlace(box, frame, { left: 0, top: 0, ...picture });
  box.dataset.sure = mark.isSure;
  box.dataset.clear = mark.isClear;
  box.setAttribute("aria-label", `Face ${index + 1} of ${count}: ${tellFace(face)}`);
  box.querySelector(".outline").style.transform = frame.turn ? `rotate(${frame.turn}deg)` : "";
  const label = box.querySelector(".label");
  label.hidden = !mark.place;
  label.textContent = mark.text;
  label.style.fontSize = `${LETTERS * mark.font * scale}px`;
  for (const place of listPlaces(mark)) setPlace(label, place, frame);
  fillBars(box.querySelector(".bars"), face);
}

/** Place an element, in percent of another rectangle, which it is inside of in the document. */
function setPlace({ style }, { left, top, width, height }, outer) {
  style.left = `${(100 * (left - outer.left)) / outer.width}%`;
  style.top = `${(100 * (top - outer.top)) / outer.height}%`;
  style.width = `${(100 * width) / outer.width}%`;
  style.height = `${(100 * height) / outer.height}%`;
}

function listPlaces({ place }) {
  return place ? [{ left: place[0], top: place[1], width: place[2] - place[0], height: place[3] - place[1] }] : [];
}

/** Return where the bars cover no face and no name, and lie least outside of the picture; "none" where they would. */
function placeBars(face, picture, covered, scale) {
  if (face.expression === null) return "none";
  if (!face.box) return "inside";
  const [width, height] = [BARS.width / scale, BARS.height / scale];
  const frame = frameOf(face, picture);
  const places = {
    right: { left: frame.left + frame.width, top: frame.top },
    left: { left: frame.left - width, top: frame.top },
    below: { left: frame.left, top: frame.top + frame.height },
    above: { left: frame.left, top: frame.top - height - BARS.label / scale },
  };
  const area = (place) => ({ ...place, width, height });
  const free = Object.keys(places).filter((name) => !covered.some((other) => shareArea(area(places[name]), other)));
  const outside = (name) => width * height - shareArea(area(places[name]), { left: 0, top: 0, ...picture });
  return free.reduce((best, name) => (best && outside(best) <= outside(name) ? best : name), null) ?? "none";
}

function fillCard({ face, card }, source, mirrored) {
  const [best, sure] = tellFace(face).split(/ (?=\d+ %$)/);
  card.querySelector(".best").textContent = best;
  card.querySelector(".sure").textContent = sure ?? "";
  card.classList.toggle("unsure", !face.is_clear || face.expression === null || best.endsWith("?"));
  fillBars(card.querySelector(".bars"), face);
  drawCut(card.querySelector(".cut"), face, source, mirrored);
}

/** Draw what the network saw: the square, turned upright; black beyond the edges of the picture. */
function drawCut(canvas, { box, crop }, source, mirrored) {
  const context = canvas.getContext("2d");
  const width = source.naturalWidth ?? source.width;
  const height = source.naturalHeight ?? source.height;
  const whole = box ?? { left: 0, top: 0, width, height };
  const seen = crop ? { left: crop.left, top: crop.top, width: crop.side, height: crop.side } : whole;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.translate(canvas.width / 2, canvas.height / 2);
  context.scale((mirrored ? -canvas.width : canvas.width) / seen.width, canvas.height / seen.height);
  context.rotate((-(crop?.turn ?? 0) * Math.PI) / 180);
  context.drawImage(source, -seen.left - seen.width / 2, -seen.top - seen.height / 2);
}
