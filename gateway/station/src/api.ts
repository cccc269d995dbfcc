/* The gateway's HTTP interface as this page uses it. The only place that builds a URL from server text. */

import { headerText, posting, request } from "./http";
import { actor } from "./preferences";
import { acting, isKnown } from "./session";
import type {
  AdmissionInFull, AlarmBurden, AlarmFrame, AlarmInFull, Dose, DoseDecision, FluidChart, SeriesRow,
} from "./types";

export { headerText, Refused, Unreachable, wordsOf } from "./http";

function post<T = unknown>(path: string, body: unknown, options: RequestInit = {}): Promise<T> {
  // Where people sign in, the gateway knows who acts.
  const headers: Record<string, string> = isKnown.peek() ? {} : { "X-Vigil-Actor": headerText(actor()) };
  return acting(() => request<T>(path, { ...posting(body, headers), ...options }));
}

interface Page<T> {
  items: T[];
  next: string | null;
}

/** A list, whether it comes bare or as a page with a cursor. */
function itemsOf<T>(body: T[] | Page<T> | null): T[] {
  return Array.isArray(body) ? body : (body?.items ?? []);
}

const id = encodeURIComponent;

// --- alarms ----------------------------------------------------------------------------------------------------------

export function acknowledgeAlarm(alarmId: string, note: string, options: RequestInit = {}): Promise<unknown> {
  return post(`/alarms/${id(alarmId)}/acknowledge`, note ? { note } : {}, options);
}

export interface AlarmQuery {
  admission_id?: string;
  since?: string;
  state?: "active" | "all";
  limit?: number;
  cursor?: string;
}

export async function alarmsPage(query: AlarmQuery): Promise<Page<AlarmFrame>> {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, String(value));
  const body = await request<AlarmFrame[] | Page<AlarmFrame>>(`/alarms?${asked}`);
  return Array.isArray(body) ? { items: body, next: null } : body;
}

export async function alarmsOf(admissionId: string, limit = 100): Promise<AlarmFrame[]> {
  return (await alarmsPage({ admission_id: admissionId, state: "all", limit })).items;
}

export function alarmInFull(alarmId: string): Promise<AlarmInFull> {
  return request<AlarmInFull>(`/alarms/${id(alarmId)}`);
}

export function alarmBurden(fromText: string, toText: string, unit: string): Promise<AlarmBurden> {
  const asked = new URLSearchParams({ from: fromText, to: toText });
  if (unit) asked.set("unit", unit);
  return request<AlarmBurden>(`/alarm-burden?${asked}`);
}

// --- admissions ------------------------------------------------------------------------------------------------------

export function admit(admission: unknown): Promise<AdmissionInFull> {
  return post("/admissions", admission);
}

export function admissionInFull(admissionId: string): Promise<AdmissionInFull> {
  return request<AdmissionInFull>(`/admissions/${id(admissionId)}`);
}

export function transfer(admissionId: string, to: { unit: string; bed: string }): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/transfer`, to);
}

export function discharge(admissionId: string): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/discharge`, {});
}

export function orderCourse(admissionId: string, course: unknown): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/course`, course);
}

export function chart(admissionId: string, time: string, metrics: Record<string, unknown>): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/observations`, { time, metrics });
}

export function pauseAudio(admissionId: string, seconds: number): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/audio-pause`, { seconds });
}

export function switchLimitsOff(
  admissionId: string, family: string, reason: string, seconds: number,
): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/limits-off`, { family, reason, seconds });
}

export async function seriesOf(
  admissionId: string, signal: string, fromMs: number, toMs: number, points = 600,
): Promise<SeriesRow[]> {
  const asked = new URLSearchParams({
    signal,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    points: String(points),
  });
  return itemsOf(await request<SeriesRow[] | Page<SeriesRow>>(`/admissions/${id(admissionId)}/series?${asked}`));
}

// --- dosing ----------------------------------------------------------------------------------------------------------

export function doseDecision(admissionId: string): Promise<DoseDecision> {
  return request<DoseDecision>(`/admissions/${id(admissionId)}/dose-decision`);
}

export function signDecision(admissionId: string, decision: string, reason: string): Promise<unknown> {
  return post(`/admissions/${id(admissionId)}/dose-decision/sign`, { decision, ...(reason ? { reason } : {}) });
}

export async function dosesOf(admissionId: string): Promise<Dose[]> {
  return itemsOf(await request<Dose[] | Page<Dose>>(`/admissions/${id(admissionId)}/doses`));
}

export function fluidsOf(admissionId: string): Promise<FluidChart> {
  return request<FluidChart>(`/admissions/${id(admissionId)}/fluids?hours=24`);
}

// --- the gateway -----------------------------------------------------------------------------------------------------

export async function profiles(): Promise<{ id: string; title?: string }[]> {
  return itemsOf(await request<{ id: string; title?: string }[]>("/profiles"));
}
