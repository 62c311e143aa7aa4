// Talks to the server. In: a picture as a Blob. Out: what /v1/recognise answers, or a Refusal that says why not.

export class Refusal extends Error {
  constructor(message, status, retrySeconds = 0) {
    super(message);
    this.status = status;
    this.retrySeconds = retrySeconds;
  }
}

let token = "";

/** Send this token with every request from now on; it is kept in the page's memory alone. */
export function useToken(text) {
  token = text;
}

/** Return the answer about one picture: {name, width, height, faces, remarks, seconds}; prior: base rates, "" for the
    server's own. */
export async function recognise(picture, prior = "") {
  const type = picture.type || "application/octet-stream";
  const path = prior ? `v1/recognise?prior=${encodeURIComponent(prior)}` : "v1/recognise";
  const answer = await ask(path, { method: "POST", body: picture, headers: { "Content-Type": type } });
  return answer.pictures[0];
}

/** Return what is known of the network. */
export function describeModel() {
  return ask("v1/model", {});
}

async function ask(path, options) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch {
    throw new Refusal("The server cannot be reached.", 0, 2);
  }
  if (response.ok) return response.json();
  const detail = await response.json().then((body) => body.detail, () => response.statusText);
  throw new Refusal(explain(response.status, detail), response.status, Number(response.headers.get("Retry-After")));
}

function explain(status, detail) {
  switch (status) {
    case 401: return "This server asks for its token.";
    case 408: return "The picture arrived too slowly.";
    case 413: return `This picture is too large for the server (${detail}).`;
    case 415: return "This file is not a picture that the server can read.";
    case 422: return "This picture is broken.";
    case 503: return "The server is busy; trying again helps.";
    default: return `The server refused (${status}): ${detail}`;
  }
}
