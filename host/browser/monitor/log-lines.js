/**
 * What an operator wants to see in the log of this host comes in, the host is told, and what is in force is shown. It
 * never changes the log of another host.
 */

import { act, actButton } from "./act.js";
import { call } from "./api.js";
import { el, labelled, put } from "./elements.js";
import { say } from "./notice.js";

const FROM = {
  monitor: "as an operator wants it until the host ends",
  "config.json": "as config.json says",
  QEWD_LOG: "as QEWD_LOG says",
  default: "as nothing else is said",
};

/** Makes the control. @returns {HTMLElement} */
export function logLines() {
  const field = el("input", { type: "text", spellcheck: "false", autocomplete: "off", required: true });
  const now = el("p", { class: "hint", "data-log": "now", role: "status" });
  const back = actButton({ label: "Back to what is configured", run: () => change(null) });
  const show = ({ lines, from, otherwise }) => {
    field.value = lines;
    put(now, `The log shows ${lines}, ${FROM[from] ?? from}.`);
    back.hidden = from !== "monitor";
    back.title = `Show ${otherwise} again`;
  };
  const change = (lines) =>
    act("log", { body: JSON.stringify({ lines }) }, (answer) => {
      show(answer);
      return `The log shows ${answer.lines}.`;
    });
  const form = el(
    "form",
    {
      class: "row",
      onsubmit: (event) => {
        event.preventDefault();
        change(field.value.trim());
      },
    },
    labelled("Lines of the log", field, "error, warn, info, debug or trace; or parts: info,qewd::handler=debug"),
    el("button", { type: "submit" }, "Change"),
    back,
  );
  call("log").then(show, (error) => error.status !== 401 && say(error.message, "error"));
  return el("div", {}, form, now);
}
