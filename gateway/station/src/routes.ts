/* Which page is shown: the part of the address after `#`, so that a view can be bookmarked, reloaded and left with Back. */

import { signal } from "@preact/signals";

export type Route =
  | { page: "ward" }
  | { page: "bed"; key: string }
  | { page: "admit"; key: string | null }
  | { page: "alarms" }
  | { page: "burden" }
  | { page: "handover"; key: string | null };

export function routeOf(hash: string): Route {
  const [page, ...rest] = hash.replace(/^#?\/?/, "").split("/").map(decoded);
  const key = rest.length > 0 ? rest.join("/") : null;
  if (page === "bed" && key !== null) return { page, key };
  if (page === "admit" || page === "handover") return { page, key };
  if (page === "alarms" || page === "burden") return { page };
  return { page: "ward" };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function hashOf(page: string, key: string | null = null): string {
  const tail = key === null ? "" : `/${key.split("/").map(encodeURIComponent).join("/")}`;
  return page === "ward" ? "#/" : `#/${page}${tail}`;
}

export const route = signal<Route>(routeOf(location.hash));
/** The bed whose page was shown last. */
export const leftBed = signal<string | null>(null);
window.addEventListener("hashchange", () => show(routeOf(location.hash)));

function show(next: Route): void {
  const before = route.peek();
  leftBed.value = before.page === "bed" && next.page === "ward" ? before.key : null;
  if (before.page !== next.page || JSON.stringify(before) !== JSON.stringify(next)) route.value = next;
}

/** Shows a page; the one before is a Back away. */
export function go(page: string, key: string | null = null): void {
  const hash = hashOf(page, key);
  if (location.hash !== hash) location.hash = hash;
  show(routeOf(hash));
}
