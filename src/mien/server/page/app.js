// The page: a picture or the camera goes in, boxes and bars come out. Nothing is kept but what is on the screen.

import { listCameras, startCamera } from "./camera.js";
import { createView, summarise } from "./faces.js";
import { Refusal, describeModel, recognise, useToken } from "./server.js";

const SPEAK_MILLISECONDS = 2500; // a screen reader is told at most so often
const QUICK = 8; // answers a second from which boxes and bars jump: to glide 120 ms costs a layout for each refresh
const element = (id) => document.getElementById(id);
const view = createView({ boxes: element("boxes"), list: element("faces"), nothing: element("nothing") });

let camera = null;
let address = ""; // of the picture's object URL
let again = null; // what to do once the token is known
let asked = 0; // the newest question: answers to older ones come too late
let frames = { shown: 0, times: [] }; // of the camera: the newest that is shown, and when the last ones came
let shown = null; // the file that is looked at: other base rates are asked for it again
let spoken = { text: "", at: 0 };

function say(text, { error = false } = {}) {
  element("status").textContent = text;
  element("status").classList.toggle("error", error);
}

function sayWhenItChanges(text) {
  const now = performance.now();
  if (text === spoken.text || now - spoken.at < SPEAK_MILLISECONDS) return;
  spoken = { text, at: now };
  say(text);
}

function showStage(kind) {
  element("empty").hidden = kind !== "empty";
  element("frame").hidden = kind === "empty";
  element("picture").hidden = kind !== "picture";
  element("video").hidden = kind !== "video";
  element("speed").hidden = kind !== "video";
}

function report(error, retry) {
  if (!(error instanceof Refusal)) console.error(error);
  if (error.status === 401) {
    again = retry;
    element("token-form").hidden = false;
    element("token").focus();
  }
  say(error.message, { error: true });
}

async function loadPicture(file) {
  const next = URL.createObjectURL(file);
  const picture = element("picture");
  picture.src = next;
  if (address) URL.revokeObjectURL(address);
  address = next;
  return picture.decode().then(() => true, () => false);
}

async function lookAtPicture(file) {
  stopCamera();
  const question = ++asked;
  shown = file;
  view.clear();
  say("Looking …");
  const visible = await loadPicture(file);
  if (question !== asked) return;
  showStage(visible ? "picture" : "empty");
  try {
    const answer = await recognise(file, element("prior").value);
    if (question !== asked) return;
    if (visible) view.show(answer, element("picture"));
    say([summarise(answer.faces), ...answer.remarks].join(" "));
  } catch (error) {
    if (question === asked) report(error, () => lookAtPicture(file));
  }
}

async function lookAtFrame(canvas, blob, mirrored, number) {
  const start = performance.now();
  try {
    const answer = await recognise(blob, element("prior").value);
    if (!camera || number < frames.shown) return;
    frames.shown = number;
    view.show(answer, canvas, mirrored);
    showSpeed(performance.now() - start);
    sayWhenItChanges(summarise(answer.faces));
  } catch (error) {
    if (!camera) return;
    if (error.status !== 503 && error.status !== 0) stopCamera();
    report(error, startLooking);
    await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retrySeconds ?? 1)));
  }
}

function showSpeed(milliseconds) {
  const now = performance.now();
  frames.times = [...frames.times, now].filter((time) => now - time < 1000);
  document.body.classList.toggle("quick", frames.times.length >= QUICK);
  element("speed").textContent = `${frames.times.length} a second, ${Math.round(milliseconds)} ms a picture`;
}

async function startLooking(deviceId = null) {
  stopCamera();
  const question = ++asked;
  shown = null;
  view.clear();
  say("Starting the camera …");
  element("camera").setAttribute("aria-busy", "true"); // not disabled: that would take the focus away
  try {
    const started = await startCamera(element("video"), deviceId, lookAtFrame);
    if (question !== asked) return started.stop();
    camera = started;
    frames = { shown: 0, times: [] };
    element("video").classList.toggle("mirrored", camera.mirrored);
    element("camera").textContent = "Stop the camera";
    showStage("video");
    spoken = { text: "", at: 0 };
    await offerCameras();
  } catch (error) {
    showStage("empty");
    say(error.message, { error: true });
  } finally {
    element("camera").removeAttribute("aria-busy");
  }
}

function stopCamera() {
  if (!camera) return;
  camera.stop();
  camera = null;
  document.body.classList.remove("quick");
  view.clear();
  showStage("empty");
  element("camera").textContent = "Use the camera";
  element("cameras-field").hidden = true;
  say("The camera is off.");
}

async function offerCameras() {
  const cameras = await listCameras();
  const current = camera?.track.getSettings().deviceId;
  element("cameras-field").hidden = cameras.length < 2;
  element("cameras").replaceChildren(
    ...cameras.map((device, index) => {
      const label = device.label || `camera ${index + 1}`;
      return new Option(label, device.deviceId, false, device.deviceId === current);
    }),
  );
}

function listenForDrops() {
  const stage = element("stage");
  const over = (event) => {
    event.preventDefault();
    stage.classList.toggle("over", event.type === "dragover");
  };
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, over);
  document.addEventListener("drop", (event) => lookAtFirst(event.dataTransfer.files));
  document.addEventListener("paste", (event) => lookAtFirst(event.clipboardData.files));
}

function lookAtFirst(files) {
  if (files.length) lookAtPicture(files[0]);
}

async function introduceModel() {
  try {
    const card = await describeModel();
    element("prior-field").hidden = !card.rates;
    element("model").textContent = `Network: ${card.recipe?.name ?? "unnamed"}, ${card.expressions.length} expressions.`;
  } catch {
    element("model").textContent = "";
  }
}

element("file").addEventListener("change", (event) => {
  lookAtFirst([...event.target.files]);
  event.target.value = ""; // the same file may be chosen again
});
element("camera").addEventListener("click", (event) => {
  if (event.target.ariaBusy !== "true") (camera ? stopCamera : startLooking)();
});
element("cameras").addEventListener("change", (event) => startLooking(event.target.value));
element("prior").addEventListener("change", () => shown && lookAtPicture(shown));
element("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(element("token").value);
  element("token-form").hidden = true;
  introduceModel();
  again?.();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stopCamera();
});
listenForDrops();
introduceModel();
