
// ---- the studio: what only a server can do -------------------------------------------------------------------

if (isLive) {
  const live = document.createElement("div");
  live.id = "live";
  overview.before(live);
  let token = one("meta[name=studio-token]").content;
  let instance = null;
  let shownQuery = "";
  const mails = new Map();
  const path = (id) => id.split("/").map(encodeURIComponent).join("/");

  const fetched = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw Object.assign(new Error(address), { status: answer.status, found: await answer.json() });
    return answer;
  };

  const viewOf = async ({ id, query }) => (await fetched(`studio/view/${path(id)}${query ? `?${query}` : ""}`)).text();
  const articleIn = (text) => one("article", new DOMParser().parseFromString(text, "text/html"));
  const articleOf = async (place) => articleIn(await viewOf(place));  // as the files are now

  // The samples beside the one that is shown are asked for before somebody steps to them, until a file changes.
  let ahead = new Map();
  const askAhead = (id) => {
    const shown = entries().filter((entry) => !entry.hidden).map((entry) => entry.dataset.id);
    const at = shown.indexOf(id);
    const near = [shown[at + 1], shown[at - 1], id].filter(Boolean);
    ahead = new Map(near.map((each) => [each, ahead.get(each) ?? viewOf({ id: each, query: "" }).catch(() => null)]));
  };

  const showWrong = (problems) => {
    for (const wrong of all("[data-wrong]", live)) {
      wrong.textContent = problems[wrong.dataset.wrong] ?? "";
      wrong.hidden = !wrong.textContent;
    }
  };

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // ---- findings ------------------------------------------------------------------------------------------------

  const showFindings = async (sample) => {
    const target = one(".found", sample);
    if (!target) return;
    let answer;
    try {
      answer = await (await fetched(`studio/findings/${path(sample.id)}${shownQuery ? `?${shownQuery}` : ""}`)).json();
    } catch { return; }
    if (!target.isConnected) return;
    sample.sources = answer.sources;
    const count = one(".count", sample);
    count.hidden = !answer.findings.length;
    count.textContent = answer.findings.length;
    count.classList.toggle("error", answer.findings.some((finding) => finding.severity === "error"));
    target.replaceChildren(...new DOMParser().parseFromString(answer.html, "text/html").body.childNodes);
  };

  // ---- opening, editing, refreshing ----------------------------------------------------------------------------

  const prepare = (article) => {
    const address = one("#to-address", article);
    try { if (address) address.value = localStorage.getItem("studio-to") ?? ""; } catch { /* no storage */ }
  };

  studio = {
    mail: async (id) => {
      if (!mails.has(id)) mails.set(id, await (await fetched(`studio/data/${path(id)}`)).json().catch(() => ({})));
      return mails.get(id);
    },
    find: async (place) => {
      if (!place.id) return null;
      if (current?.id === place.id && shownQuery === place.query) return current;
      try {
        const text = (place.query ? null : await ahead.get(place.id)) || await viewOf(place);
        if (!place.query) ahead.set(place.id, text);
        const article = articleIn(text);
        shownQuery = place.query;
        prepare(article);
        showInspector(article);
        live.replaceChildren(article);
        setTimeout(() => askAhead(place.id));
        // Checking takes the server longer than showing: it waits until somebody stays.
        setTimeout(() => { if (current === article) showFindings(article); }, 250);
        return article;
      } catch (error) {
        if (error.status === 422 && current?.id === place.id) { showWrong(error.found.problems); return current; }
        live.replaceChildren(element("p", "notice", error.found?.message ?? "The studio does not answer."));
        return null;
      }
    },
  };

  // Shows the current sample anew, at the place it was scrolled to. The form stays while somebody types in it.
  let refreshes = 0;
  const refresh = async (query = shownQuery) => {
    if (!current) return;
    const { id } = current;
    const asked = refreshes += 1;
    let article;
    try {
      article = await articleOf({ id, query });
    } catch (error) {
      if (error.status === 422 && asked === refreshes) showWrong(error.found.problems);
      return;
    }
    if (asked !== refreshes || current?.id !== id) return;
    shownQuery = query;
    showWrong({});
    const scrolled = window.scrollY, inner = one(".device", current)?.scrollTop ?? 0;
    const isTyping = one("form.edit", current)?.contains(document.activeElement);
    if (isTyping) one(".view", current).replaceWith(one(".view", article));
    else current.replaceChildren(...article.childNodes);
    delete current.data;
    prepare(current);
    showInspector(current);
    const shown = showSample(current);
    window.scrollTo(0, scrolled);
    await shown;
    window.scrollTo(0, scrolled);
    const device = one(".device", current);
    if (device) device.scrollTop = inner;
    showFindings(current);
  };

  const goTo = (changes) => {
    const query = new URLSearchParams(placeOf(location.hash).query);
    for (const [name, value] of Object.entries(changes)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    history.replaceState(null, "", `#${path(current.id)}${text ? `?${text}` : ""}`);
    return refresh(text);
  };
  const edits = () => JSON.parse(new URLSearchParams(placeOf(location.hash).query).get("edit") ?? "{}");
  let typing = 0;
  const edit = (field, value) => {
    clearTimeout(typing);
    const changed = { ...edits(), [field]: value };
    history.replaceState(null, "", `#${path(current.id)}?${new URLSearchParams({
      ...Object.fromEntries(new URLSearchParams(placeOf(location.hash).query)), edit: JSON.stringify(changed),
    })}`);
    typing = setTimeout(() => refresh(placeOf(location.hash).query), 120);
  };

  live.addEventListener("input", ({ target }) => {
    const { path: field, noneOf } = target.dataset;
    if (noneOf) edit(noneOf, target.checked ? null : one(`[data-path="${CSS.escape(noneOf)}"]`, live).value);
    else if (field && target.matches("select") && "none" in (target.selectedOptions[0]?.dataset ?? {})) edit(field, null);
    else if (field) edit(field, target.type === "checkbox" ? String(target.checked) : target.value);
    const none = field && one(`[data-none-of="${CSS.escape(field)}"]`, live);
    if (none) none.checked = false;
  });
  live.addEventListener("change", ({ target }) => {
    if (target.matches("[data-locale]")) goTo({ locale: target.value });
  });
  live.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.classList.contains("reset")) { button.focus(); goTo({ edit: "" }); }
    else if (button.classList.contains("copy-link")) {
      navigator.clipboard?.writeText(location.href);
      button.textContent = "Copied";
    }
  });
  live.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!event.target.matches("form.send")) return;
    const to = one("#to-address", live).value;
    const report = one(".report", live);
    try { localStorage.setItem("studio-to", to); } catch { /* no storage */ }
    report.replaceChildren(element("p", "quiet", "Sending…"));
    const query = new URLSearchParams(shownQuery);
    const answer = await fetch("studio/send", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Studio-Token": token },
      body: JSON.stringify({ id: current.id, to, edit: JSON.parse(query.get("edit") ?? "{}"), locale: query.get("locale") ?? "" }),
    });
    const found = await answer.json();
    const sent = answer.ok && found.sent;
    report.replaceChildren(element("p", sent ? "sent" : "failed", sent ? `Sent through ${found.through}` : "Not sent"));
    const error = found.error && found.message ? found.message : found.error;
    if (error) report.append(element("pre", "", error));
    for (const each of found.recipients ?? []) {
      const row = element("dl", `recipient ${each.status}`);
      row.append(element("dt", "", each.address), element("dd", "", each.reply));
      report.append(row);
    }
    if (found.message_id) report.append(element("p", "quiet", found.message_id));
  });

  Object.assign(keys, { e: () => inspect("edit"), s: () => inspect("send") });

  // ---- lists -----------------------------------------------------------------------------------------------------

  const placesOf = (selector) => new Map(all(selector).map((each) => [each.dataset.id, each]));
  const showRow = (row, listed, cards) => {
    const entry = listed.get(row.id), card = cards.get(row.id);
    if (entry) {
      entry.classList.toggle("failed", Boolean(row.failed));
      if (row.attachments && !one(".clip", entry)) {
        one(".name", entry).after(one("#clip").content.firstElementChild.cloneNode(true));
      }
      one(".subject", entry).textContent = row.failed ? "could not be rendered" : row.subject || "(no subject)";
      entry.dataset.words += ` ${row.failed ? "failed" : `${row.subject} ${row.to}`}`.toLowerCase();
    }
    if (card) {
      card.classList.toggle("failed", Boolean(row.failed));
      one("b", card).textContent = row.failed ? "Could not be rendered" : row.subject || "(no subject)";
      const words = row.failed ?? row.text;
      if (typeof words === "string") one(".thumb", card).replaceChildren(element("span", "words", words));
    }
  };

  const showCaught = (row) => {
    const group = one("#inbox");
    if (!group || one(`.entry[data-id="${CSS.escape(row.id)}"]`, group)) return;
    const entry = element("a", "entry");
    entry.href = `#${path(row.id)}`;
    entry.dataset.id = row.id;
    entry.dataset.words = `${row.subject} ${row.to} ${row.from}`.toLowerCase();
    entry.append(element("span", "name", row.subject || "(no subject)"), element("small", "time", row.name),
      element("span", "subject", row.to || "(nobody)"));
    group.insertBefore(entry, one(".entry", group));
    one(".none", group).hidden = true;
    filter();
  };

  const showRows = async () => {
    const answer = await fetch("studio/rows");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    const caught = [], listed = placesOf(".entry"), cards = placesOf(".card");
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      for (const row of lines.map((line) => JSON.parse(line))) {
        if (row.id.startsWith("inbox/") && one("#inbox")) caught.push(row);
        else showRow(row, listed, cards);
      }
      if (done) break;
    }
    caught.reverse().forEach(showCaught);
    filter();
  };

  const observe = () => all(".card").forEach((card) => thumbnails.observe(card));

  // Everything may have changed: notifications, samples, and, after a new start, the token.
  const renew = async () => {
    let page;
    try {
      page = new DOMParser().parseFromString(await (await fetched(location.pathname + location.search)).text(), "text/html");
    } catch { return; }
    token = one("meta[name=studio-token]", page).content;
    mails.clear();
    ahead.clear();
    for (const selector of ["#side nav", "#side header p", "#problems", "#overview .grid"]) {
      one(selector).replaceChildren(...one(selector, page).childNodes);
    }
    filter();
    if (!overview.hidden) observe();
    for (const entry of entries()) if (entry.dataset.id === current?.id) entry.setAttribute("aria-current", "page");
    await Promise.all([current ? refresh() : show(), showRows()]);
  };

  side.addEventListener("click", async ({ target }) => {
    if (!target.closest(".clear")) return;
    await fetch("studio/clear", { method: "POST", headers: { "X-Studio-Token": token } });
    all("#inbox .entry").forEach((entry) => entry.remove());
    one("#inbox .none").hidden = false;
    if (current?.id.startsWith("inbox/")) location.hash = "#";
  });

  const state = one("#state");
  const events = new EventSource("studio/events");
  events.addEventListener("hello", ({ data }) => {
    state.textContent = "Live";
    state.className = "up";
    if (instance && instance !== JSON.parse(data)) renew();
    instance = JSON.parse(data);
  });
  events.addEventListener("reload", renew);
  events.addEventListener("mail", ({ data }) => showCaught(JSON.parse(data)));
  events.addEventListener("error", () => { state.textContent = "Waiting for the studio"; state.className = ""; });

  // The page is painted before it asks for everything it lists.
  requestAnimationFrame(() => setTimeout(() => { showRows(); observe(); }));
} else {
  all(".card").forEach((card) => thumbnails.observe(card));
}
show();
