"use strict";
// Follows runs by asking every other second: what has not changed is not drawn again, and only so
// many events stay on the page. All text goes in as text; the drawing is the server's own.
(function () {
  const EVERY = 2000, KEPT = 500;
  const byId = (id) => document.getElementById(id);

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  async function ask(url, body) {
    const options = body === undefined ? {} : {
      method: "POST", body: JSON.stringify(body), headers: { "X-Smets1-Bench": "1", "Content-Type": "application/json" },
    };
    const answer = await fetch(url, { cache: "no-store", ...options });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
  }

  // A tab in the background asks no oftener than a minute: it has nobody to show it to.
  function repeat(step) {
    let timer = 0;
    async function go() {
      clearTimeout(timer);
      const again = await step();
      if (again) timer = setTimeout(go, document.hidden ? 60000 : EVERY);
    }
    document.addEventListener("visibilitychange", () => { if (!document.hidden) go(); });
    go();
  }

  function list() {
    let limit = 200, before = "";
    byId("more").addEventListener("click", () => { limit += 200; before = ""; });
    repeat(async () => {
      try {
        const told = await ask("/api/runs?limit=" + limit);
        byId("there").textContent = told.there === 0 ? "There are none yet: smets1-bench run makes one."
          : told.runs.length < told.there ? "The newest " + told.runs.length + " of " + told.there : told.there + " in all, the newest first";
        byId("more").hidden = told.runs.length >= told.there;
        const now = JSON.stringify(told.runs);
        if (now !== before) byId("runs").replaceChildren(...told.runs.map(inList));
        before = now;
      } catch (error) {
        byId("there").textContent = "The server does not answer: " + error.message;
      }
      return true;
    });
  }

  function inList(run) {
    const item = element("li"), link = element("a");
    const word = run.state === "finished" ? run.verdict : run.state;
    link.href = "/runs/" + encodeURIComponent(run.name);
    const verdict = element("span", "", "verdict v-" + word);
    verdict.append(element("span", run.state === "finished" ? run.symbol + " " : ""), word);
    verdict.firstChild.setAttribute("aria-hidden", "true");
    link.append(verdict, element("span", run.name, "name"), element("span", run.suite), element("span", run.station),
      element("span", run.kit), element("span", run.done + " of " + run.scenarios, "right"));
    item.append(link);
    return item;
  }

  function run() {
    const name = document.body.dataset.run, control = document.body.dataset.control === "yes";
    const url = "/api/runs/" + encodeURIComponent(name);
    let offset = 0, drawn = -1, wasRunning = false, asked = 0;

    repeat(async () => {
      let told;
      try {
        told = await ask(url + "?offset=" + offset + "&drawn=" + drawn);
        byId("lost").hidden = true;
      } catch (error) {
        byId("lost").textContent = "The server does not answer, what follows may be old: " + error.message;
        byId("lost").hidden = false;
        return true;
      }
      const running = told.state === "running";
      byId("verdict").textContent = running ? "running" : told.state === "finished" ? told.symbol + " " + told.verdict : told.state;
      byId("verdict").className = "v-" + (told.state === "finished" ? told.verdict : told.state);
      if (told.headline) byId("headline").textContent = told.headline;
      byId("kit").hidden = !told.kit;
      byId("kit").textContent = told.kit;
      byId("now").hidden = !running;
      byId("rows").replaceChildren(...told.rows.flatMap(([label, text, mark]) =>
        [element("dt", label), element("dd", text, mark && "m-" + mark)]));
      const findings = told.findings.map((text) => element("li", text));
      if (told.more_findings) findings.push(element("li", "and " + told.more_findings + " more"));
      byId("findings").replaceChildren(...findings);
      question(told.question);
      if (told.drawing) {
        byId("line").hidden = false;
        byId("drawing").innerHTML = told.drawing;
        byId("drawn").textContent = "At most the newest " + told.drawn_at_most + " attempts; the report draws all.";
      }
      drawn = told.offset;
      byId("skipped").hidden = byId("skipped").hidden && !told.skipped;
      grow(told.lines);
      const more = told.lines.length > 0 && told.offset !== offset;
      offset = told.offset;
      if (wasRunning && !running) location.reload();
      wasRunning = running;
      return running || more || !told.reported;
    });

    function grow(lines) {
      const events = byId("events");
      const atEnd = events.scrollTop + events.clientHeight >= events.scrollHeight - 4;
      const made = lines.slice(-KEPT).map((words) => {
        const item = element("li");
        item.append(...words.map((word) => element("span", word)));
        return item;
      });
      events.append(...made);
      while (events.childElementCount > KEPT) {
        events.firstElementChild.remove();
        byId("skipped").hidden = false;
      }
      if (atEnd && made.length) events.scrollTop = events.scrollHeight;
    }

    function question(now) {
      byId("question").hidden = !now;
      if (!now) { asked = 0; return; }
      byId("question-left").textContent = "Within " + now.left + " s" + (control ? "." : ". Answer at the terminal of the run.");
      if (now.number === asked) return;
      asked = now.number;
      byId("question-text").textContent = now.text;
      byId("answers").replaceChildren(...(control ? now.answers : []).map((answer) => {
        const button = element("button", answer);
        button.type = "button";
        button.addEventListener("click", async () => {
          try {
            await ask(url + "/answer", { number: now.number, answer: answer, by: byId("by").value });
            byId("question-left").textContent = "Answered: " + answer;
          } catch (error) { byId("question-left").textContent = error.message; }
        });
        return button;
      }));
    }

    if (control) {
      const sure = (shown) => { byId("sure").hidden = !shown; byId("abort").hidden = shown; };
      byId("abort").addEventListener("click", () => sure(true));
      byId("abort-no").addEventListener("click", () => sure(false));
      byId("abort-yes").addEventListener("click", async () => {
        sure(false);
        try { byId("said").textContent = (await ask(url + "/abort", {})).done; } catch (error) { byId("said").textContent = error.message; }
      });
    }
  }

  if (document.body.dataset.page === "list") list(); else run();
})();
