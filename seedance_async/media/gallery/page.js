"use strict";
// Cards are written by Python, everything escaped; this only moves, hides and plays them.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const grid = one("#grid"), viewer = one("#viewer"), compare = one("#compare"), help = one("#help");
  const find = one("#find"), model = one("#model"), sort = one("#sort"), chips = one("#chips");
  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // What a reader chose is kept where the browser allows it; a file: page may have no memory.
  const memory = {
    get(name) { try { return localStorage.getItem("seedance-" + name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem("seedance-" + name, value); } catch { return; } },
  };

  // -- light and dark
  const themes = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
  const useTheme = (word) => {
    root.dataset.theme = word;
    one("#theme").textContent = themes[word];
    memory.set("theme", word);
  };
  const nextTheme = () => {
    const words = Object.keys(themes);
    useTheme(words[(words.indexOf(root.dataset.theme) + 1) % words.length]);
  };

  // -- videos play while they are on the screen, and give their decoder back afterwards
  let moving = !matchMedia("(prefers-reduced-motion: reduce)").matches && memory.get("motion") !== "off";
  const play = (video) => { video.muted = true; video.play().catch(() => {}); };
  const load = (video) => {
    if (video.hasAttribute("src")) return;
    if (video.dataset.poster) video.poster = video.dataset.poster;
    video.preload = "metadata";
    video.src = video.dataset.src;
  };
  const unload = (video) => {
    video.pause();
    video.removeAttribute("src");
    video.load();
  };
  const onScreen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) { onScreen.add(target); load(target); if (moving) play(target); }
      else { onScreen.delete(target); unload(target); }
    }
  }, { rootMargin: "160px" });
  const adopt = (card) => {
    const video = one("video", card);
    for (const stamp of all("time", card)) stamp.textContent = new Date(stamp.dateTime).toLocaleString();
    if (!video) return;
    video.dataset.src = video.getAttribute("src");
    video.removeAttribute("src");
    video.removeAttribute("controls");
    video.addEventListener("error", () => { if (video.hasAttribute("src")) card.classList.add("broken"); });
    // A few lines of stage at the sides of what is 16:9 but for rounding would only look like a mistake.
    video.addEventListener("loadedmetadata", () => {
      video.classList.toggle("full", Math.abs(video.videoWidth / video.videoHeight - 16 / 9) < 0.06);
    });
    watcher.observe(video);
  };
  const useMotion = (on) => {
    moving = on;
    const button = one("#motion");
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "❚❚ Pause" : "▶ Play";
    for (const video of onScreen) if (on) play(video); else video.pause();
  };
  const switchMotion = () => { useMotion(!moving); memory.set("motion", moving ? "on" : "off"); };
  grid.addEventListener("pointerover", (event) => { if (!moving && event.target.tagName === "VIDEO") play(event.target); });
  grid.addEventListener("pointerout", (event) => { if (!moving && event.target.tagName === "VIDEO") event.target.pause(); });

  // -- filter and sort
  const wanted = new Set();
  const texts = new WeakMap();
  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };
  const visible = () => [...grid.children].filter((card) => !card.hidden);
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of grid.children) {
      const fits = (!wanted.size || wanted.has(card.dataset.status)) && (!model.value || card.dataset.model === model.value)
        && words.every((word) => textOf(card).includes(word));
      card.hidden = !fits;
      count += fits;
    }
    one("#shown").textContent = `${count.toLocaleString()} of ${grid.children.length.toLocaleString()}`;
    one("#none").hidden = count > 0 || !grid.children.length;
  };
  const countStatuses = () => {
    const counts = new Map();
    for (const card of grid.children) counts.set(card.dataset.status, (counts.get(card.dataset.status) || 0) + 1);
    for (const status of [...wanted]) if (!counts.has(status)) wanted.delete(status);
    chips.replaceChildren(...[...counts].map(([status, count]) => {
      const chip = make("button", "", status + " ");
      chip.type = "button";
      chip.dataset.want = status;
      chip.append(make("b", "", count.toLocaleString()));
      chip.setAttribute("aria-pressed", String(wanted.has(status)));
      return chip;
    }));
    chips.hidden = counts.size < 2;
    model.parentElement.hidden = model.options.length < 3;
  };
  const order = () => {
    const by = sort.value;
    const upwards = by === "order" || by === "key";
    const value = (card) => by === "key" ? card.dataset.key : by in card.dataset ? Number(card.dataset[by]) : -Infinity;
    const sorted = [...grid.children].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const way = by === "key" ? x.localeCompare(y, undefined, { numeric: true }) : x === y ? 0 : x < y ? -1 : 1;
      return (upwards ? way : -way) || a.dataset.order - b.dataset.order;
    });
    grid.append(...sorted);
  };
  const showAll = () => { find.value = ""; model.value = ""; wanted.clear(); countStatuses(); filter(); };
  chips.addEventListener("click", (event) => {
    const chip = event.target.closest("button");
    if (!chip) return;
    if (!wanted.delete(chip.dataset.want)) wanted.add(chip.dataset.want);
    chip.setAttribute("aria-pressed", String(wanted.has(chip.dataset.want)));
    filter();
  });
  find.addEventListener("input", filter);
  model.addEventListener("change", filter);
  sort.addEventListener("change", order);
  one("#all").addEventListener("click", showAll);

  // -- one video, large
  const factsOf = (card) => all("dl div", card).map((row) => [one("dt", row).textContent, one("dd", row).textContent]);
  const film = (card) => {
    const video = make("video");
    Object.assign(video, { src: one("video", card).dataset.src, controls: true, loop: true, playsInline: true });
    return video;
  };
  const openDialog = (dialog) => {
    for (const video of onScreen) video.pause();
    if (!dialog.open) dialog.showModal();
  };
  let current = null;
  const look = (card) => {
    current = card;
    const stage = one(".film", viewer), words = one(".words", viewer);
    viewer.dataset.status = card.dataset.status;
    if (one("video", card)) {
      const video = film(card);
      stage.replaceChildren(video);
      // With sound where the browser lets a click start it, else without.
      video.play().catch(() => play(video));
    } else stage.replaceChildren(...all(".why", card).map((told) => told.cloneNode(true)));
    const facts = make("dl", "rest");
    for (const row of all("dl div", card)) facts.append(row.cloneNode(true));
    const copy = make("button", "copy", "Copy prompt");
    copy.type = "button";
    copy.addEventListener("click", () => navigator.clipboard.writeText(one(".prompt", card).textContent)
      .then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Copying is not allowed here"; }));
    words.replaceChildren(make("h2", "", card.dataset.key), one(".prompt", card).cloneNode(true), copy, facts);
    openDialog(viewer);
  };
  const step = (by) => {
    const cards = visible();
    if (cards.length) look(cards[(cards.indexOf(current) + by + cards.length) % cards.length]);
  };

  // -- two side by side
  const picked = [];
  const showPicked = () => {
    for (const card of grid.children) {
      const chosen = picked.includes(card);
      card.classList.toggle("chosen", chosen);
      one(".pick", card).setAttribute("aria-pressed", String(chosen));
    }
    one("#tray").hidden = !picked.length;
    one("#side").disabled = picked.length < 2;
    one("#picked").textContent = picked.length < 2 ? "1 picked, pick another" : "2 picked";
  };
  const pick = (card) => {
    const at = picked.indexOf(card);
    if (at >= 0) picked.splice(at, 1);
    else { if (picked.length === 2) picked.shift(); picked.push(card); }
    showPicked();
    if (at < 0 && picked.length === 2) lookAtBoth();
  };
  const table = () => {
    const [left, right] = picked.map((card) => new Map([["Prompt", one(".prompt", card).textContent], ["Status", card.dataset.status], ...factsOf(card)]));
    const made = make("table");
    for (const label of new Set([...left.keys(), ...right.keys()])) {
      const row = make("tr", left.get(label) === right.get(label) ? "" : "other");
      row.append(make("th", "", label), make("td", "", left.get(label) ?? "–"), make("td", "", right.get(label) ?? "–"));
      made.append(row);
    }
    return made;
  };
  const films = () => all("video", compare);
  const lookAtBoth = () => {
    one(".pair", compare).replaceChildren(...picked.map((card) => {
      const figure = make("figure");
      figure.dataset.status = card.dataset.status;
      if (one("video", card)) {
        const video = film(card);
        video.muted = true;
        figure.append(video);
      } else figure.append(...all(".why", card).map((told) => told.cloneNode(true)));
      figure.append(make("figcaption", "", card.dataset.key));
      return figure;
    }));
    one(".differ", compare).replaceChildren(table());
    one(".together", compare).hidden = films().length < 2;
    const [first] = films();
    if (first) first.addEventListener("timeupdate", () => { one("#scrub").value = 1000 * first.currentTime / (first.duration || 1); });
    openDialog(compare);
    for (const video of films()) play(video);
    one("#both").textContent = "Pause both";
  };
  one("#both").addEventListener("click", () => {
    const start = films().every((video) => video.paused);
    for (const video of films()) if (start) play(video); else video.pause();
    one("#both").textContent = start ? "Pause both" : "Play both";
  });
  one("#scrub").addEventListener("input", () => {
    for (const video of films()) video.currentTime = (video.duration || 0) * one("#scrub").value / 1000;
  });
  one("#side").addEventListener("click", lookAtBoth);
  one("#clear").addEventListener("click", () => { picked.length = 0; showPicked(); });

  // -- clicks and keys
  for (const dialog of [viewer, compare, help]) {
    one(".shut", dialog).addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => {
      for (const video of all("video", dialog)) unload(video);
      if (moving) for (const video of onScreen) play(video);
      if (dialog === viewer && current) current.focus();
    });
  }
  for (const button of all(".flip", viewer)) button.addEventListener("click", () => step(Number(button.dataset.step)));
  grid.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (!card) return;
    if (event.target.closest(".pick")) pick(card);
    else if (event.target.closest(".stage")) look(card);
  });
  one("#theme").addEventListener("click", nextTheme);
  one("#motion").addEventListener("click", switchMotion);
  one("#keys").addEventListener("click", () => openDialog(help));

  const walk = (key) => {
    const cards = visible(), at = cards.indexOf(document.activeElement.closest?.(".card"));
    if (!cards.length) return;
    const across = cards.findIndex((card, index) => index && card.offsetTop !== cards[0].offsetTop);
    const row = across < 1 ? cards.length : across;
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row }[key];
    const to = at < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, at + by));
    cards[to].focus();
    cards[to].scrollIntoView({ block: "nearest" });
  };
  const inDialog = (event) => {
    if (viewer.open && (event.key === "ArrowLeft" || event.key === "ArrowRight") && event.target.tagName !== "VIDEO") {
      step(event.key === "ArrowLeft" ? -1 : 1);
      event.preventDefault();
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (one("dialog[open]")) return inDialog(event);
    if (event.target.matches("input, select")) {
      if (event.key === "Escape" && event.target === find) { find.value = ""; filter(); find.blur(); }
      return;
    }
    const card = event.target.closest(".card");
    const acts = {
      "/": () => find.focus(), "?": () => openDialog(help), t: nextTheme, m: switchMotion,
      c: () => card && pick(card), Enter: () => event.target === card && look(card),
      ArrowLeft: () => walk(event.key), ArrowRight: () => walk(event.key), ArrowUp: () => walk(event.key), ArrowDown: () => walk(event.key),
    };
    if (!(event.key in acts) || (event.key === "Enter" && event.target !== card)) return;
    event.preventDefault();
    acts[event.key]();
  });

  // -- what a live board hands in: the HTML of one card, written by Python
  const put = (html) => {
    const holder = make("template");
    holder.innerHTML = html;
    const fresh = holder.content.firstElementChild;
    const old = [...grid.children].find((card) => card.dataset.key === fresh.dataset.key);
    if (old) {
      const before = one("video", old);
      if (before) { watcher.unobserve(before); onScreen.delete(before); }
      if (old === document.activeElement) queueMicrotask(() => fresh.focus({ preventScroll: true }));
      if (old === current) current = fresh;
      const at = picked.indexOf(old);
      if (at >= 0) picked[at] = fresh;
      old.replaceWith(fresh);
    } else grid.append(fresh);
    adopt(fresh);
    if (fresh.dataset.model && !all("option", model).some((option) => option.value === fresh.dataset.model)) {
      model.append(new Option(fresh.dataset.model, fresh.dataset.model));
    }
  };
  const settled = () => { countStatuses(); order(); filter(); showPicked(); };
  window.gallery = { put, settled };

  useTheme(themes[memory.get("theme")] ? memory.get("theme") : "auto");
  useMotion(moving);
  for (const card of grid.children) adopt(card);
  countStatuses();
  filter();
})();
