// The board's part: changes come as events, and two buttons go back.
(() => {
  const live = document.querySelector("#live"), head = document.querySelector("#head");
  const sums = document.querySelector("#sums"), most = Number(live.dataset.most);
  const grid = document.querySelector("#grid");
  const moving = new Set(["waiting", "submitting", "queued", "running", "landing", "looked for"]);
  const say = (word, state) => { sums.textContent = word; live.dataset.state = state; };
  let due = 0;
  const settle = () => {
    // Sorting and counting once for many changes keeps a thousand cards fluid.
    if (!due) due = setTimeout(() => { due = 0; window.gallery.settled(); }, 150);
  };
  const trim = () => {
    while (grid.children.length > most) {
      ([...grid.children].find((card) => !moving.has(card.dataset.status)) || grid.firstElementChild).remove();
    }
  };
  const levers = [...live.querySelectorAll("button")];
  const rest = () => { for (const lever of levers) lever.disabled = true; };
  const shown = (html) => {
    head.innerHTML = html;
    if (head.querySelector(".stopping")) rest();
  };
  if (head.querySelector(".stopping")) rest();
  const events = new EventSource(`./events?after=${live.dataset.revision}`);
  events.addEventListener("open", () => say("Live", "on"));
  events.addEventListener("error", () => say("The batch does not answer, trying again ...", "off"));
  events.addEventListener("card", (event) => { window.gallery.put(JSON.parse(event.data)); trim(); settle(); });
  events.addEventListener("head", (event) => shown(JSON.parse(event.data)));
  events.addEventListener("end", (event) => {
    events.close();
    const home = JSON.parse(event.data);
    const where = home && ` Its videos are in ${home}`;
    say(`The batch has ended. This page shows how; it is gone when you leave it.${where}`, "over");
    // Nobody serves what was not on the screen yet: its card says where it is.
    grid.style.setProperty("--missing", JSON.stringify(`The batch has ended.${where}`));
    rest();
  });
  // A press asks first: a stop cannot be taken back.
  const guard = (button) => {
    const words = button.textContent;
    let sure = 0;
    const calm = () => { clearTimeout(sure); sure = 0; button.textContent = words; button.classList.remove("sure"); };
    const ask = () => {
      button.textContent = "Sure? Press again";
      button.classList.add("sure");
      sure = setTimeout(calm, 4000);
    };
    const press = async () => {
      calm();
      const headers = { "X-Board-Token": location.pathname.split("/")[1] };
      try {
        const answer = await fetch(`./${button.dataset.does}`, { method: "POST", headers });
        if (!answer.ok) throw new Error(answer.statusText);
        rest();
      } catch {
        button.textContent = "That did not work";
        setTimeout(calm, 4000);
      }
    };
    button.addEventListener("click", () => (sure ? press() : ask()));
  };
  levers.forEach(guard);
})();
