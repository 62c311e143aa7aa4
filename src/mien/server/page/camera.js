// The camera as a series of pictures. In: a video element. Out: one JPEG after the other, two of them under way at most:
// while the server looks at one, the browser makes the next, of a new frame of the camera.

const LONGEST_SIDE = 640; // pixels that are sent; faces need no more
const QUALITY = 0.85;
const UNDER_WAY = 2; // more would only wait for each other, and what is shown would be older
const PATIENCE_MILLISECONDS = 250; // for a new frame: a camera may stand still

/** Start a camera (null: the one the browser prefers) and call onFrame(canvas, blob, mirrored, number) until stop(). */
export async function startCamera(video, deviceId, onFrame) {
  if (!navigator.mediaDevices) throw new Error("The browser gives the camera only to pages over https or on localhost.");
  const wanted = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
  const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false }).catch(explain);
  const [track] = stream.getVideoTracks();
  const mirrored = track.getSettings().facingMode !== "environment";
  video.srcObject = stream;
  await video.play();
  let running = true;
  const stop = () => {
    running = false;
    track.stop();
    video.srcObject = null;
  };

  async function ask(canvas) {
    while (running) {
      if (document.hidden) await once(document, "visibilitychange");
      await newFrame(video);
      if (!running || !video.videoWidth) continue;
      const number = ++asked;
      await onFrame(canvas, await grab(video, canvas), mirrored, number);
    }
  }
  let asked = 0;
  const finished = Promise.all(Array.from({ length: UNDER_WAY }, () => ask(document.createElement("canvas"))));
  return { stop, mirrored, track, finished };
}

/** Return the cameras of this machine, named. */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput");
}

function once(target, event) {
  return new Promise((resolve) => target.addEventListener(event, resolve, { once: true }));
}

/** Wait for a frame that was not seen yet. A camera is quicker than the server, so mostly one is there already; of
    those who have to wait, each frame wakes one. */
function newFrame(video) {
  if (!video.requestVideoFrameCallback) return new Promise(requestAnimationFrame);
  turn = turn.then(async () => {
    if (countFrames(video) === seen) {
      await Promise.race([
        new Promise((resolve) => video.requestVideoFrameCallback(resolve)),
        new Promise((resolve) => setTimeout(resolve, PATIENCE_MILLISECONDS)),
      ]);
    }
    seen = countFrames(video);
  });
  return turn;
}
let turn = Promise.resolve();
let seen = -1; // how many frames the camera had brought when the last one was taken

function countFrames(video) {
  return video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0; // always the same: every frame is waited for
}

function grab(video, canvas) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

function explain(error) {
  const reasons = {
    NotAllowedError: "The camera was not allowed.",
    NotFoundError: "No camera was found.",
    OverconstrainedError: "This camera is gone.",
    NotReadableError: "Another program uses the camera.",
  };
  throw new Error(reasons[error.name] ?? `The camera does not start (${error.message}).`);
}
