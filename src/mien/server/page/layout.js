// Where names stand beside faces. In: faces and the size of their picture. Out: a mark a face.
// It follows mien/recognition/layout.py line by line, which tells what the numbers mean; a test holds both to the same.

const SURE = 0.5;
const QUITE_SURE = 0.75;
const NEAR = 2 / 3;
const MOST_NAMED = 3;
const WIDEST = 1.5;
const LETTER = 0.6;
const [LINE, GROWTH, LARGEST, INSIDE] = [1.4, 0.15, 2.5, 8];
const UNCLEAR = "too small or blurred";
const UNREADABLE = "not readable";

export const percent = (share) => `${Math.round(share * 100)} %`;

/** Return ways of telling what a face shows, the fullest first, each as sure as the network is. */
export function tellNames({ expression, confidence, probabilities, expressions = [] }) {
  if (expression === null) return [UNREADABLE];
  const share = percent(confidence);
  if (confidence >= SURE) return [`${expression} ${share}`, confidence >= QUITE_SURE ? expression : `${expression}?`];
  if (expressions.length >= 2 && expressions.length <= MOST_NAMED) {
    return [`${expressions.slice(0, -1).join(", ")} or ${expressions.at(-1)}?`, `${expression}?`];
  }
  const others = Object.entries(probabilities).filter(([name]) => name !== expression);
  const [second, next] = others.reduce((best, pair) => (pair[1] > best[1] ? pair : best), ["", 0]);
  const both = second && next >= NEAR * confidence;
  return [both ? `${expression} or ${second}?` : `${expression}? ${share}`, `${expression}?`];
}

/** Return in words what a face shows. */
export const tellFace = (face) => (face.is_clear || face.expression === null ? tellNames(face)[0] : UNCLEAR);

/** Return what the network saw, as {left, top, width, height, turn}: a square inside of the picture, or all of it. */
export function frameOf({ box, crop }, { width, height }) {
  if (!crop) return { left: 0, top: 0, width, height, ...box, turn: 0 };
  if (crop.turn) return { left: crop.left, top: crop.top, width: crop.side, height: crop.side, turn: crop.turn };
  const [left, top] = [Math.max(crop.left, 0), Math.max(crop.top, 0)];
  const [right, bottom] = [Math.min(crop.left + crop.side, width), Math.min(crop.top + crop.side, height)];
  return { left, top, width: right - left, height: bottom - top, turn: 0 };
}

/** Return a mark {text, place, font, isNumber, isSure, isClear} for each face; place is [left, top, right, bottom]. */
export function layOut(faces, picture, smallest) {
  const around = faces.map((face) => surround(face, picture));
  const taken = [...around];
  return faces.map((face, index) => {
    const mark = markFace(face, index, around[index], taken, picture, smallest);
    if (mark.place) taken.push(mark.place);
    return mark;
  });
}

function surround({ box, crop }, { width, height }) {
  if (!box) return [0, 0, width, height];
  let [left, top, right, bottom] = [box.left, box.top, box.left + box.width, box.top + box.height];
  if (crop) {
    [left, top] = [Math.min(left, Math.max(crop.left, 0)), Math.min(top, Math.max(crop.top, 0))];
    right = Math.max(right, Math.min(crop.left + crop.side, width));
    bottom = Math.max(bottom, Math.min(crop.top + crop.side, height));
  }
  return [left, top, right, bottom];
}

const measureText = (text, font) => LETTER * font * ([...text].length + 1);

function markFace(face, index, around, taken, picture, smallest) {
  const side = Math.max(around[2] - around[0], around[3] - around[1]);
  const wanted = Math.min(Math.max(GROWTH * side, smallest), LARGEST * smallest);
  const fit = (text) => [text, Math.min(wanted, (WIDEST * side) / measureText(text, 1))];
  const names = face.is_clear ? tellNames(face).map(fit).filter(([, font]) => font >= smallest) : [];
  const number = face.is_clear ? [[String(index + 1), smallest]] : [];
  const within = names.filter(([, font]) => side >= INSIDE * LINE * font);
  const others = taken.filter((_, place) => place !== index);
  const make = (text, place, font, isNumber = false) =>
    ({ text, place, font, isNumber, isSure: face.confidence >= SURE, isClear: face.is_clear });
  for (const [tried, list, free, isNumber] of [
    [names, listOutside, taken, false], [within, listInside, others, false], [number, listOutside, taken, true],
  ]) {
    for (const [text, font] of tried) {
      const places = list(around, measureText(text, font), LINE * font, picture);
      const place = places.find((one) => isFree(one, free, picture));
      if (place) return make(text, place, font, isNumber);
    }
  }
  return make("", null, smallest);
}

function listOutside([left, top, right, bottom], wide, high, { width, height }) {
  const keep = (at, most) => Math.min(Math.max(at, 0), most);
  const columns = [(left + right - wide) / 2, left, right - wide].map((at) => keep(at, width - wide));
  const rows = [top, (top + bottom - high) / 2, bottom - high].map((at) => keep(at, height - high));
  return [
    ...columns.map((at) => [at, top - high]), ...columns.map((at) => [at, bottom]),
    ...rows.map((at) => [right, at]), ...rows.map((at) => [left - wide, at]),
  ].map(([at, row]) => [at, row, at + wide, row + high]);
}

function listInside([left, top, right, bottom], wide, high) {
  return [[left, top], [right - wide, top], [left, bottom - high], [right - wide, bottom - high]]
    .map(([at, row]) => [at, row, at + wide, row + high]);
}

function isFree([left, top, right, bottom], taken, { width, height }) {
  if (left < 0 || top < 0 || right > width || bottom > height) return false;
  return !taken.some((other) => other[0] < right && other[2] > left && other[1] < bottom && other[3] > top);
}

/** Return the faces as they stand in a looking-glass. */
export function mirrorFaces(faces, { width }) {
  return faces.map((face) => ({
    ...face,
    box: face.box && { ...face.box, left: width - face.box.left - face.box.width },
    crop: face.crop && { ...face.crop, left: width - face.crop.left - face.crop.side, turn: -face.crop.turn },
  }));
}
