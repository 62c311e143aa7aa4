// Draws what was recognised. In: an answer and the elements of the page. Out: boxes over the picture, bars beside it.
// Elements are kept from one frame of the camera to the next, so that boxes glide and the keyboard's focus stays.

const BARS = { width: 184, height: 145, label: 34 }; // of the bars over the picture, in pixels of the screen
const MIN_OVERLAP = 0.2; // of two boxes in successive frames, to be taken for the same face

const percent = (share) => `${Math.round(share * 100)} %`;
const name = (face) => `${face.expression} ${percent(face.confidence)}`;

/** Return an object with show(answer, source, mirrored) and clear(). */
export function createView({ boxes, list, nothing }) {
  let shown = []; // {face, box, card}: what stands on the page
  let selected = null;

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
    for (const [index, entry] of shown.entries()) {
      fillBox(entry, answer, mirrored, index, shown.length);
      entry.box.dataset.bars = placeBars(entry.face.box, answer, mirrored, boxes.clientWidth);
      fillCard(entry, source, mirrored);
    }
    for (const gone of before) remove(gone);
    keepOrder(boxes, shown.map((entry) => entry.box));
    keepOrder(list, shown.map((entry) => entry.card));
    nothing.hidden = shown.length > 0;
    nothing.textContent = "No face was found.";
    list.classList.toggle("crowded", shown.length > 2);
    select(shown.includes(selected) ? selected : (shown[0] ?? null));
  }

  function clear() {
    for (const entry of shown) remove(entry);
    shown = [];
    selected = null;
  }

  return { show, clear };
}

/** Return one line about the faces, as a screen reader says it. */
export function summarise(faces) {
  if (!faces.length) return "No face was found.";
  const names = faces.slice(0, 5).map(name).join(", ");
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
  if (!face.box) return entries.shift();
  const overlaps = entries.map((entry) => (entry.face.box ? overlap(entry.face.box, face.box) : 0));
  const best = overlaps.indexOf(Math.max(...overlaps));
  if (best < 0 || overlaps[best] < MIN_OVERLAP) return undefined;
  const [entry] = entries.splice(best, 1);
  entry.face = face;
  return entry;
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
  const box = make("button", "box", make("span", "label"), createBars(face, "span"));
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
  const heading = make("h3", "heading", make("span", "best"), make("span", "sure"));
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

function fillBox({ face, box }, picture, mirrored, index, count) {
  const place = face.box ?? { left: 0, top: 0, width: picture.width, height: picture.height };
  const left = mirrored ? picture.width - place.left - place.width : place.left;
  box.style.left = `${(100 * left) / picture.width}%`;
  box.style.top = `${(100 * place.top) / picture.height}%`;
  box.style.width = `${(100 * place.width) / picture.width}%`;
  box.style.height = `${(100 * place.height) / picture.height}%`;
  box.dataset.label = place.top < picture.height * 0.08 ? "inside" : "above";
  box.setAttribute("aria-label", `Face ${index + 1} of ${count}: ${name(face)}`);
  box.querySelector(".label").textContent = name(face);
  fillBars(box.querySelector(".bars"), face);
}

/** Return where the bars cover least of other faces, and lie least outside of the picture. */
function placeBars(box, picture, mirrored, screenWidth) {
  if (!box) return "inside";
  const scale = picture.width / (screenWidth || picture.width);
  const [width, height] = [BARS.width * scale, BARS.height * scale];
  const [after, before] = [box.left + box.width, box.left - width];
  const places = {
    right: { left: mirrored ? before : after, top: box.top },
    left: { left: mirrored ? after : before, top: box.top },
    below: { left: mirrored ? after - width : box.left, top: box.top + box.height },
    above: { left: mirrored ? after - width : box.left, top: box.top - height - BARS.label * scale },
  };
  const cost = (place) => {
    const bars = { ...place, width, height };
    const outside = width * height - shareArea(bars, { left: 0, top: 0, ...picture });
    return outside + picture.faces.reduce((sum, face) => sum + shareArea(bars, face.box), 0);
  };
  return Object.keys(places).reduce((best, name) => (cost(places[name]) < cost(places[best]) ? name : best));
}

function fillCard({ face, card }, source, mirrored) {
  card.querySelector(".best").textContent = face.expression;
  card.querySelector(".sure").textContent = percent(face.confidence);
  fillBars(card.querySelector(".bars"), face);
  drawCut(card.querySelector(".cut"), face.box, source, mirrored);
}

function drawCut(canvas, box, source, mirrored) {
  const context = canvas.getContext("2d");
  const width = source.naturalWidth ?? source.width;
  const height = source.naturalHeight ?? source.height;
  const { left, top, ...sides } = box ?? { left: 0, top: 0, width, height };
  context.setTransform(mirrored ? -1 : 1, 0, 0, 1, mirrored ? canvas.width : 0, 0);
  context.drawImage(source, left, top, sides.width, sides.height, 0, 0, canvas.width, canvas.height);
}
