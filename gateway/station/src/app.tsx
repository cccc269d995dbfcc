/* The page put together: top, stage, foot. Which page stands on the stage is the route's to say. */

import { AckTray } from "./parts/ack_tray";
import { Announcer } from "./parts/announcer";
import { FootLine } from "./parts/foot_line";
import { HouseBar } from "./parts/house_bar";
import { TopBar } from "./parts/top_bar";
import { AlarmsPage } from "./pages/alarms_page";
import { AdmitPage } from "./pages/admit_page";
import { BedPage } from "./pages/bed_page";
import { BurdenPage } from "./pages/burden_page";
import { HandoverPage } from "./pages/handover_page";
import { WardPage } from "./pages/ward_page";
import { SignInDialog, SignInPage } from "./parts/sign_in";
import { go, route } from "./routes";
import { isSignedOut } from "./session";
import { told } from "./telling";

function Stage() {
  const shown = route.value;
  switch (shown.page) {
    case "bed":
      return <BedPage key={shown.key} bedKey={shown.key} />;
    case "admit":
      return <AdmitPage key={shown.key ?? ""} bedKey={shown.key} />;
    case "alarms":
      return <AlarmsPage />;
    case "burden":
      return <BurdenPage />;
    case "handover":
      return <HandoverPage key={shown.key ?? ""} bedKey={shown.key} />;
    default:
      return <WardPage />;
  }
}

/** Shows a bed on the wall, or opens it when it is not on the wall. */
function goTo(key: string): void {
  if (route.peek().page !== "ward") {
    go("bed", key);
    return;
  }
  const label = [...document.querySelectorAll<HTMLElement>(".sector")].find((node) => node.dataset.key === key);
  label?.scrollIntoView({ block: "nearest" });
  label?.querySelector<HTMLElement>(".bed")?.focus({ preventScroll: true });
}

export function App() {
  if (isSignedOut.value) return <SignInPage />;
  return (
    <>
      <TopBar onGoTo={goTo} />
      <HouseBar />
      <div class="stage"><Stage /></div>
      <AckTray />
      <FootLine />
      <p class={`toast${told.value ? " shown" : ""}`} id="toast" role="status">{told.value}</p>
      <SignInDialog />
      <Announcer />
    </>
  );
}
