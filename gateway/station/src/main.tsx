/* The station. */

import { compareNatural } from "./format";

document.body.dataset.station = String(compareNatural("b2", "b10"));
