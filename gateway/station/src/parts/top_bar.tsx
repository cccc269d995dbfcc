/* The top of every page: whose ward this is, all alarms, or in their place that the page is not live; the time. */

import { clockText } from "../format";
import { banner, connection } from "../liveness";
import { go } from "../routes";
import { beat, clock, isLive, units } from "../ward";
import { AlarmBar } from "./alarm_bar";

function Pulse() {
  void beat.value;
  const live = isLive.value;
  const words = live ? "Live" : connection.value === "connecting" ? "connecting" : "waiting to retry";
  return (
    <div class="pulse">
      <time class="pulse-clock" id="server-clock" title="The gateway's time">{clockText(live ? clock.now() : null)}</time>
      <span class="pulse-link" id="link">
        <span class="light" id="link-light" aria-hidden="true" data-level={live ? "current" : "old"} />
        <span id="link-text">{words}</span>
      </span>
    </div>
  );
}

export function TopBar({ onGoTo }: { onGoTo: (key: string) => void }) {
  return (
    <header class="topbar">
      <button type="button" class="wordmark" title="All beds" onClick={() => go("ward")}>
        <span class="wordmark-name">Vigil</span>
        <span class="wordmark-unit" id="units">{units.value.join(" · ")}</span>
      </button>
      <AlarmBar onGoTo={onGoTo} />
      <p class="banner" id="banner" role="alert">
        <strong class="banner-title" id="banner-title">{banner.value.title}</strong>{" "}
        <span class="banner-text" id="banner-text">{banner.value.text}</span>
      </p>
      <Pulse />
    </header>
  );
}
