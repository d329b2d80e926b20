// A sign of pending work, for every event that waits in Gradio's queue. It reads the messages that Gradio receives.
(() => {
  const AFTER = 200, LEAST = 400;  // milliseconds: until the sign shows, and for how long it stays at least
  const pending = new Map();  // event -> number of events to finish before it starts
  let joining = 0, timer = null, shown = 0;

  const sign = document.createElement("div");
  sign.id = "busy";
  sign.setAttribute("role", "status");
  sign.hidden = true;
  if (document.body) document.body.append(sign);
  else addEventListener("DOMContentLoaded", () => document.body.append(sign));

  const text = () => {
    const before = Math.min(...pending.values());
    if (!(before > 0) || !isFinite(before)) return "Computing…";
    return before === 1 ? "Waiting: 1 request comes first." : `Waiting: ${before} requests come first.`;
  };

  function draw() {
    timer = null;
    const busy = joining || pending.size;
    if (!busy && performance.now() - shown < LEAST) {
      timer = setTimeout(draw, LEAST);
      return;
    }
    // The Photo tab has a line of its own, with the finished share.
    const told = [...document.querySelectorAll("progress")].some((bar) => bar.offsetParent);
    if (busy && sign.hidden) shown = performance.now();
    sign.hidden = !busy || told;
    if (!sign.hidden && sign.textContent !== text()) sign.textContent = text();
  }

  const soon = () => { if (sign.hidden) timer ??= setTimeout(draw, AFTER); else draw(); };

  function hear({ msg, event_id, rank }) {
    // The first one that waits starts when one that runs is finished.
    if (msg === "estimation") pending.set(event_id, rank + 1);
    else if (msg === "process_starts" || msg === "process_generating") pending.set(event_id, 0);
    else if (msg === "process_completed" || msg === "unexpected_error") pending.delete(event_id);
    soon();
  }

  async function listen(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) if (block.startsWith("data:")) hear(JSON.parse(block.slice(5)));
    }
  }

  async function join(ask) {
    joining += 1;
    soon();
    try {
      const answer = await ask();
      if (answer.ok) pending.set((await answer.clone().json()).event_id, 0);
      return answer;
    } finally {
      joining -= 1;
      soon();
    }
  }

  const fetch = window.fetch;
  window.fetch = async (...given) => {
    const address = String(given[0]?.url ?? given[0]);
    if (address.includes("/queue/join")) return join(() => fetch(...given));
    const answer = await fetch(...given);
    if (!address.includes("/queue/data") || !answer.body) return answer;
    const [ours, gradios] = answer.body.tee();
    // A closed stream has no further message about its events.
    listen(ours).catch(() => null).finally(() => { pending.clear(); soon(); });
    return new Response(gradios, { status: answer.status, headers: answer.headers });
  };
})();
