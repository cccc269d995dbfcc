/* The station: starts its parts. */

import "uplot/dist/uPlot.min.css";
import "./station.css";

import { render } from "preact";

import { sendAll, sendDue } from "./acknowledging";
import { App } from "./app";
import { watchLiveness } from "./liveness";
import { startAnnouncing } from "./parts/announcer";
import { showPreferences } from "./preferences";
import { watchSession } from "./session";
import { refreshSparks } from "./sparks";
import { allowSound, sound } from "./speaker";

const root = document.getElementById("station")!;

function onTick(): void {
  sendDue();
  sound();
  refreshSparks();
}

/** After a fault in drawing: from the beginning, as nothing that is left may be trusted. */
function drawAnew(): void {
  render(null, root);
  render(<App />, root);
}

showPreferences();
startAnnouncing();
render(<App />, root);
allowSound();
watchLiveness(onTick, drawAnew);
watchSession();
window.addEventListener("pagehide", sendAll);
