/* The gateway's HTTP interface as this page uses it. The only place that builds a URL from server text. */

const BASE = "/api/v1";
const ANSWER_WITHIN_MS = 5000;

/** The gateway answered, and said no. */
export class Refused extends Error {
  constructor(status, problem) {
    super([problem?.title, problem?.detail].filter((part) => typeof part === "string").join(": ") || `answer ${status}`);
    this.status = status;
  }
}

/** No answer: nobody knows whether the request was carried out. */
export class Unreachable extends Error {
  constructor() {
    super("no answer from the gateway");
  }
}

/** A header carries ASCII; anything else in a person's name goes percent-encoded (UTF-8). */
function headerText(text) {
  return text.replace(/[^\x20-\x7e]|%/gu, (sign) => encodeURIComponent(sign));
}

async function answerOf(path, options) {
  try {
    return await fetch(BASE + path, { ...options, signal: AbortSignal.timeout(ANSWER_WITHIN_MS), cache: "no-store" });
  } catch {
    throw new Unreachable();
  }
}

async function request(path, options = {}) {
  const answer = await answerOf(path, options);
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

function post(path, body, actor) {
  const headers = { "Content-Type": "application/json", "X-Vigil-Actor": headerText(actor) };
  return request(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** A list, whether it comes bare or as a page with a cursor. */
function itemsOf(body) {
  return Array.isArray(body) ? body : (body?.items ?? []);
}

const id = encodeURIComponent;

export function acknowledgeAlarm(alarmId, actor) {
  return post(`/alarms/${id(alarmId)}/acknowledge`, {}, actor);
}

export function admit(admission, actor) {
  return post("/admissions", admission, actor);
}

export async function seriesOf(admissionId, signal, fromMs, toMs) {
  const window = new URLSearchParams({
    signal,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    points: "600",
  });
  return itemsOf(await request(`/admissions/${id(admissionId)}/series?${window}`));
}

export async function alarmsOf(admissionId) {
  return itemsOf(await request(`/alarms?admission_id=${id(admissionId)}&state=all&limit=50`));
}

export function alarmInFull(alarmId) {
  return request(`/alarms/${id(alarmId)}`);
}

export async function profiles() {
  return itemsOf(await request("/profiles"));
}
