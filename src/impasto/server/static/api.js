// The API of this server. Every refusal is a Refusal with the server's own sentence.

export class Refusal extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`/api${path}`, { credentials: "same-origin", ...options });
  } catch {
    throw new Refusal("The server does not answer; it may be starting again. Your jobs are kept.", 0);
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refusal(told.error ?? `The server answered ${answer.status}.`, answer.status);
  }
  return answer.status === 204 ? null : answer.json();
}

const send = (method, path, body, headers = {}) =>
  ask(path, { method, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });

export const health = () => ask("/health");
export const styles = () => ask("/styles");
export const options = () => ask("/options");
export const jobs = () => ask("/jobs?limit=60");
export const job = (id) => ask(`/jobs/${id}`);
export const uploadOf = (id) => ask(`/uploads/${id}`);
export const enter = (token) => send("POST", "/session", { token });
export const stop = (id) => ask(`/jobs/${id}/stop`, { method: "POST" });
export const cancel = (id) => ask(`/jobs/${id}/cancel`, { method: "POST" });
export const forget = (id) => ask(`/jobs/${id}`, { method: "DELETE" });

// The key makes a job once, even where the answer is lost and the click repeated.
export const paint = (task, key) => send("POST", "/jobs", task, { "idempotency-key": key });

export function upload(file) {
  const form = new FormData();
  form.append("file", file, file.name || "pasted.png");
  return ask("/uploads", { method: "POST", body: form });
}

// which: of a batch's paintings, from 0
const of = (which, mark) => (which === null ? mark : `picture=${which}&${mark}`);

export const picture = {
  upload: (id) => `/api/uploads/${id}/picture`,
  photo: (id, which = null) => `/api/jobs/${id}/photo?${of(which, "")}`,
  preview: (id, number, which = null) => `/api/jobs/${id}/preview?${of(which, `n=${number}`)}`,
  result: (id, which = null) => `/api/jobs/${id}/result?${of(which, "")}`,
  download: (id, which = null) => `/api/jobs/${id}/result?${of(which, "download=true")}`,
  style: (name) => `/api/styles/${name}/thumbnail`,
};

// Calls `told` with the job after each change until it ends; the answer closes the line.
export function follow(id, told, gone) {
  const line = new EventSource(`/api/jobs/${id}/events`);
  line.addEventListener("job", (event) => {
    const now = JSON.parse(event.data);
    if (["done", "failed", "cancelled"].includes(now.state)) line.close();
    told(now);
  });
  line.addEventListener("gone", () => {
    line.close();
    gone();
  });
  return () => line.close(); // where the server restarts, the browser connects again by itself
}
