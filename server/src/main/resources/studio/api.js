// The server's own API, and one stream of what happens to jobs.

export class ApiError extends Error {
  constructor(message, status, position) {
    super(message);
    this.status = status;
    this.position = position;
  }
}

async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body instanceof Blob || typeof body === 'string') {
    options.body = body;
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers['Content-Type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, options);
  } catch {
    throw new ApiError('The server does not answer. Is it still running?', 0);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(answer.error || `The server says ${response.status}`, response.status, answer.position);
  return answer;
}

export const get = (path) => call('GET', path);
export const post = (path, body = {}) => call('POST', path, body);

let about;
export function choices() {
  about ??= get('about');
  return about;
}

const watchers = new Map();
const listeners = new Set();
const over = new Set();
let source = null;

/** That a job is over is heard from the stream and where it is asked for, but told to all only once. */
function tell(job) {
  watchers.get(job.id)?.(job);
  if (!over.has(job.id)) for (const listener of listeners) listener(job);
  if (!isFinal(job.state)) return;
  watchers.delete(job.id);
  over.add(job.id);
}

export function isFinal(state) {
  return state !== 'queued' && state !== 'running';
}

/** Calls back whenever something is new about a job, until it is finished. */
export function watch(id, callback) {
  watchers.set(id, callback);
  refresh(id);
}

/** Calls back for all jobs; returns what stops it. */
export function onJobs(callback) {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

async function refresh(id) {
  try {
    tell(await get(`jobs/${id}`));
  } catch (error) {
    if (error.status === 404) watchers.delete(id);
  }
}

function connect() {
  if (source || document.hidden) return;
  source = new EventSource('/api/v1/events');
  source.addEventListener('job', (event) => tell(JSON.parse(event.data)));
  // what ended while nobody was listening is asked for
  source.addEventListener('open', () => {
    [...watchers.keys()].forEach(refresh);
    hear(true);
  });
  source.addEventListener('error', () => hear(false));
}

function disconnect() {
  source?.close();
  source = null;
}

let hear = () => {};

/** Calls back with whether the server is heard of, whenever that changes. */
export function onHearing(callback) {
  hear = callback;
}

/** Hidden pages let go of the stream: a browser has six connections to a server, for all its tabs. */
export function listen() {
  connect();
  document.addEventListener('visibilitychange', () => (document.hidden ? disconnect() : connect()));
}
