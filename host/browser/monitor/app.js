/**
 * The page begins here: the address comes in, and the sign-in form or the panel it names goes out. It never shows
 * anything of a panel by itself.
 */

import { activity } from "./activity.js";
import { call, onSignedOut } from "./api.js";
import { closeQuestion } from "./ask.js";
import { hostIsBack, hostIsGone, passwordIsKnown } from "./banner.js";
import { clients } from "./clients.js";
import { documents } from "./documents.js";
import { byId, el, put, set } from "./elements.js";
import { fleet } from "./fleet.js";
import { handlers } from "./handlers.js";
import { home, readHome } from "./home.js";
import { links } from "./links.js";
import { onStreamSignedOut } from "./live.js";
import { say, unsay } from "./notice.js";
import { overview } from "./overview.js";
import { hashOf, placeOf } from "./place.js";
import { routes } from "./routes.js";
import { signInForm } from "./sign-in.js";

/** Between attempts to reach a host that is not there when the page is opened, in milliseconds. */
const RETRY = 2_000;
const TITLES = {
  overview: "Overview",
  fleet: "Fleet",
  links: "Links",
  handlers: "Handlers",
  routes: "Routes",
  documents: "Document Store",
  clients: "Clients",
  activity: "Activity",
};
const PANELS = { overview, fleet, links, handlers, routes, documents, clients, activity };

/** What stands in `main`: the place it was made for and the panel's own handle. */
let open = null;

function showSignIn() {
  closePanel();
  closeQuestion();
  unsay();
  showFrame(false);
  const form = signInForm(begin);
  byId("main").replaceChildren(form);
  document.title = `Sign in – ${home.host}`;
  form.querySelector("input").focus();
}

function showFrame(signedIn) {
  put(byId("name"), home.serverName ?? "Monitor");
  byId("sign-out").hidden = !signedIn;
  document.querySelector("nav").hidden = !signedIn;
  passwordIsKnown(signedIn && home.defaultPassword);
  if (!signedIn) byId("viewing").hidden = true;
}

function closePanel() {
  open?.panel.close();
  open = null;
}

function showPanel() {
  if (!home.signedIn) return;
  const place = placeOf(location.hash);
  if (!Object.hasOwn(PANELS, place.panel)) return location.replace(hashOf("overview", place.viewing));
  closeQuestion();
  unsay();
  showWhere(place);
  if (open && samePanel(open.place, place) && open.panel.move) {
    open.place = place;
    return open.panel.move(place);
  }
  const first = open === null;
  closePanel();
  const heading = el("h2", { tabindex: "-1" }, TITLES[place.panel]);
  const section = el("section", { "data-panel": place.panel }, heading);
  byId("main").replaceChildren(section);
  open = { place, panel: PANELS[place.panel](section, place) };
  scrollTo(0, 0);
  if (!first) heading.focus({ preventScroll: true });
}

const samePanel = (one, other) =>
  one.panel === other.panel && JSON.stringify(one.viewing) === JSON.stringify(other.viewing);

/** The parts of the frame that say where we are. */
function showWhere({ panel, viewing }) {
  for (const link of document.querySelectorAll("nav a")) {
    link.href = hashOf(link.dataset.to, viewing);
    set(link, "aria-current", link.dataset.to === panel ? "page" : null);
  }
  byId("viewing").hidden = viewing === null;
  if (viewing) {
    put(byId("viewing-name"), `Viewing ${viewing.host}${viewing.at ? ` at ${viewing.at}` : ""}`);
    put(byId("viewing-back"), `Back to ${home.host}`);
  }
  document.title = `${TITLES[panel]} – ${viewing?.host ?? home.host}`;
}

async function begin() {
  try {
    await readHome();
  } catch (error) {
    if (error.gone) hostIsGone();
    else say(error.message, "error");
    return setTimeout(begin, RETRY);
  }
  hostIsBack();
  if (!home.signedIn) return showSignIn();
  showFrame(true);
  showPanel();
}

/** The session is over, here or in another tab, or with the host that knew it. */
function sessionIsOver() {
  if (!home.signedIn) return;
  home.signedIn = false;
  hostIsBack(true);
  showSignIn();
}

async function signOut() {
  try {
    await call("session", { method: "DELETE" });
  } catch (error) {
    if (error.status !== 401) return say(`Not signed out: ${error.message}`, "error");
  }
  sessionIsOver();
}

onSignedOut(sessionIsOver);
onStreamSignedOut(sessionIsOver);
addEventListener("hashchange", showPanel);
byId("sign-out").addEventListener("click", signOut);
byId("notice-close").addEventListener("click", unsay);
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address after # belongs to the panels
  byId("main").focus();
});
begin();
