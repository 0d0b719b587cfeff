"use strict";
// Everything that comes from the server is set with textContent, title or an attribute, never as markup.
const PAUSE = 1000;
const token = document.querySelector('meta[name="board-token"]').content;
const $ = (id) => document.getElementById(id);
const KINDS = ["reset", "eof", "hang", "late", "status", "html", "truncated", "bad_utf8", "empty", "slow_body",
  "wrong_length", "list_body", "string_error", "short_file", "corrupt_file", "expired_url", "duplicate", "forged"];
const PLACES = { short_file: "video", corrupt_file: "video", expired_url: "video", duplicate: "callback", forged: "callback" };
const ROUTES = ["create", "get", "list", "delete", "video", "callback", "any"];
const SUMS = { accepted: "accepted", billed: "billed or will be", tokens: "tokens", alive: "alive", queued: "of them queued" };
const TAIL = "/contents/generations/tasks";
const number = new Intl.NumberFormat("en");
let about = new Map();
let quietUntil = 0;

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Board-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/_sim/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error || `status ${answer.status}`);
  return value;
}

function say(text) {
  $("said").textContent = text;
  quietUntil = Date.now() + 6000;
}

async function act(text, method, path, body) {
  try {
    await call(method, path, body);
    say(text);
    await refresh();
  } catch (error) {
    say(`Not done: ${error.message}`);
  }
}

function put(node, text, kind) {
  const shown = text === null || text === undefined ? "" : String(text);
  if (node.textContent !== shown) {
    node.textContent = shown;
    node.title = shown;
  }
  if (kind !== undefined && node.className !== kind) node.className = kind;
}

// Rows are kept from one look to the next, so that focus, selection and scrolling stay where they are.
function rows(body, items, keyOf, make, fill, nothing) {
  const old = new Map(Array.from(body.children, (row) => [row.dataset.key, row]));
  items.forEach((item, index) => {
    const key = keyOf(item, index);
    const row = old.get(key) || make(item);
    row.dataset.key = key;
    old.delete(key);
    fill(row, item);
    if (body.children[index] !== row) body.insertBefore(row, body.children[index] || null);
  });
  old.forEach((row) => row.remove());
  if (!items.length) body.append(empty(nothing));
}

function empty(text) {
  const row = document.createElement("tr");
  row.className = "empty";
  row.append(document.createElement("td"));
  row.firstChild.colSpan = 9;
  row.firstChild.textContent = text;
  return row;
}

function cells(count) {
  const row = document.createElement("tr");
  for (let index = 0; index < count; index += 1) row.append(document.createElement("td"));
  return row;
}

function span(seconds) {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

const PUSHES = [["advance", "Push on"], ["finish", "Finish"], ["fail", "Fail"]];

function taskRow(task) {
  const row = cells(6);
  const push = row.children[1];
  push.className = "push";
  for (const [verb, label] of PUSHES) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.dataset.verb = verb;
    button.setAttribute("aria-label", `${label}: ${task.id}`);
    // aria-disabled and not disabled: a task that ends under the finger keeps the focus where it was
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      const body = verb === "fail" ? { code: $("code").value } : undefined;
      act(`${label}: ${task.id}`, "POST", `tasks/${encodeURIComponent(task.id)}/${verb}`, body);
    });
    push.append(button);
  }
  const link = document.createElement("a");
  link.textContent = "Video";
  link.target = "_blank";
  link.rel = "noreferrer noopener";
  push.append(link);
  return row;
}

function fillTask(row, task) {
  const [status, push, id, age, prompt, model] = row.children;
  put(status, task.error ? `${task.status}: ${task.error}` : task.status, `is-${task.status}`);
  put(id, task.id, "code");
  put(age, span(task.age), "number");
  put(prompt, task.prompt, "rest");
  put(model, task.model);
  for (const button of push.querySelectorAll("button")) button.setAttribute("aria-disabled", String(task.ended));
  const link = push.querySelector("a");
  link.hidden = !task.video.startsWith(`${location.protocol}//`);
  if (!link.hidden && link.href !== task.video) link.href = task.video;
}

function fillEntry(row, entry) {
  const [billed, tokens, id, fingerprint, prompt] = row.children;
  put(billed, entry.billed, entry.billed === "billed" ? "is-billed" : "");
  put(tokens, number.format(entry.tokens), "number");
  put(id, entry.id, "code");
  put(fingerprint, entry.fingerprint, "number");
  put(prompt, entry.prompt, "rest");
}

function fillRequest(row, seen) {
  const [age, route, status, request, fault, key] = row.children;
  put(age, span(seen.age), "number");
  put(route, seen.route);
  put(status, seen.status || "none", seen.status && seen.status < 400 ? "number" : "number is-bad");
  put(fault, seen.fault, "is-bad");
  // What tells two requests apart stands at the end of the path; the whole of it is in the title.
  put(request, `${seen.method} ${seen.path.replace(TAIL, "/…/tasks")}`, "rest code");
  request.title = `${seen.method} ${seen.path}`;
  put(key, seen.key, "code");
}

function times(count) {
  return count === 1 ? "once" : `${number.format(count)} times`;
}

function faultLine(fault) {
  const place = fault.route === "any" ? "any route" : fault.route;
  const which = fault.nth ? `number ${fault.nth.join(", ")}` : fault.times === null ? "always" : times(fault.times);
  const chance = fault.probability === null ? "" : `, chance ${fault.probability}`;
  const fired = fault.fired ? `fired ${times(fault.fired)}` : "not fired yet";
  return `${fault.kind} on ${place}, ${fault.when} its effect, ${which}${chance}; ${fired}`;
}

function show(board) {
  put($("scenario"), board.scenario.name);
  put($("about"), board.scenario.about);
  const sums = $("sums");
  if (!sums.children.length) {
    for (const label of Object.values(SUMS)) {
      const pair = document.createElement("div");
      pair.append(document.createElement("dt"), document.createElement("dd"));
      pair.firstChild.textContent = label;
      sums.append(pair);
    }
  }
  Object.keys(SUMS).forEach((name, index) => put(sums.children[index].lastChild, number.format(board.sums[name])));
  const leaks = board.sums.leaks;
  $("leaks").hidden = !leaks;
  put($("leaks"), leaks ? `The API key was sent to the video host ${leaks} times.` : "");
  put($("task-count"), `${number.format(board.task_count)}, newest first`);
  put($("counts"), Object.entries(board.counts).map(([name, count]) => `${name || "unknown"} ${number.format(count)}`).join(" · "));
  rows($("task-rows"), board.tasks, (task) => task.id, taskRow, fillTask, "No task yet.");
  rows($("ledger-rows"), board.ledger, (entry) => entry.id, () => cells(5), fillEntry, "Nothing was accepted yet.");
  rows($("request-rows"), board.requests, (_, index) => String(index), () => cells(6), fillRequest, "No request yet.");
  const armed = board.faults.map(faultLine);
  const list = $("armed");
  while (list.children.length > armed.length) list.lastChild.remove();
  while (list.children.length < armed.length) list.append(document.createElement("li"));
  armed.forEach((line, index) => put(list.children[index], line));
  document.title = `${board.sums.alive} alive, ${board.sums.billed} billed: Seedance simulator`;
}

async function refresh() {
  try {
    show(await call("GET", "board"));
    put($("link"), "live", "link");
  } catch (error) {
    put($("link"), "no answer: the simulator was stopped, or is busy", "link lost");
  }
  if (Date.now() > quietUntil) $("said").textContent = "";
}

function options(select, words) {
  for (const word of words) select.append(new Option(word, word));
}

function listen() {
  const lose = (text, body) => () => act(text, "POST", "faults", body);
  $("lose").addEventListener("click", lose("The next create is accepted, and its answer lost.", { kind: "eof", route: "create", when: "after" }));
  $("drop").addEventListener("click", lose("The next create is dropped, and makes no task.", { kind: "eof", route: "create" }));
  $("slow-down").addEventListener("click", lose("The next create is refused with 429.", { kind: "status", route: "create", status: 429 }));
  $("disarm").addEventListener("click", () => act("No fault is armed.", "DELETE", "faults"));
  $("kind").addEventListener("change", () => { if (PLACES[$("kind").value]) $("route").value = PLACES[$("kind").value]; });
  $("arm").addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { kind: $("kind").value, route: $("route").value, when: $("when").value, times: Number($("times").value) };
    act(`Armed: ${body.kind} on ${body.route}.`, "POST", "faults", body);
  });
  $("gallery").addEventListener("change", () => put($("preview"), about.get($("gallery").value)));
  $("play").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("gallery").value;
    act(`Playing ${name}; the tasks stay.`, "PUT", `scenario/${encodeURIComponent(name)}`);
  });
  $("reset").addEventListener("click", () => {
    if (window.confirm("Forget all tasks, the ledger and the requests?")) act("Begun anew.", "POST", "reset");
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

async function run() {
  options($("kind"), KINDS);
  options($("route"), ROUTES);
  listen();
  const scenarios = await call("GET", "scenarios").catch(() => []);
  about = new Map(scenarios.map((one) => [one.name, one.about]));
  options($("gallery"), about.keys());
  put($("preview"), about.get($("gallery").value));
  for (;;) {
    if (!document.hidden) await refresh();
    await new Promise((wake) => { setTimeout(wake, PAUSE); });
  }
}

run();
