// face-api's expression network in Node, by WebAssembly: milliseconds a face, and how many of the faces it names right.
//
//   npm install @vladmandic/face-api@1.7.15 @tensorflow/tfjs@4 @tensorflow/tfjs-backend-wasm@4
//   python -c "from mien.data import load; t = load('fer2013.csv', size=48).test; t.images.tofile('faces.u8'); \
//              t.labels.astype('uint8').tofile('labels.u8')"
//   node benchmarks/face_api.js
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const here = createRequire(path.join(process.cwd(), "index.js")); // the packages of the folder that this is called in
const wasm = here("@tensorflow/tfjs-backend-wasm");
const faceApi = here("@vladmandic/face-api/dist/face-api.node-wasm.js");
const NAMES = ["angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"];
const SIDE = 48;
const WARM_UP = 10;

async function main() {
  wasm.setWasmPaths(path.join(path.dirname(here.resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist/"));
  await faceApi.tf.setBackend("wasm");
  await faceApi.tf.ready();
  const models = path.join(path.dirname(here.resolve("@vladmandic/face-api/package.json")), "model");
  await faceApi.nets.faceExpressionNet.loadFromDisk(models);
  const faces = fs.readFileSync("faces.u8");
  const labels = fs.readFileSync("labels.u8");
  const times = [];
  let right = 0;
  for (let index = 0; index < labels.length; index += 1) {
    const pixels = new Int32Array(faces.subarray(index * SIDE * SIDE, (index + 1) * SIDE * SIDE));
    const shown = faceApi.tf.tidy(() => faceApi.tf.tensor3d(pixels, [SIDE, SIDE, 1], "int32").tile([1, 1, 3]));
    const began = process.hrtime.bigint();
    const found = await faceApi.nets.faceExpressionNet.predictExpressions(shown);
    times.push(Number(process.hrtime.bigint() - began) / 1e6);
    shown.dispose();
    const best = NAMES.reduce((so_far, name) => (found[name] > found[so_far] ? name : so_far));
    right += NAMES.indexOf(best) === labels[index];
  }
  const sorted = times.slice(WARM_UP).sort((a, b) => a - b);
  const at = (part) => sorted[Math.floor(sorted.length * part)].toFixed(2);
  console.log(`${labels.length} faces: ${((100 * right) / labels.length).toFixed(1)} % right, median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}

main();
