
// ---- the studio: what only a server can do -------------------------------------------------------------------

if (isLive) {
  const live = document.createElement("div");
  live.id = "live";
  one("#main").append(live);
  let token = one("meta[name=studio-token]").content;
  let instance = null;
  let inspecting = innerWidth >= 1280 ? "findings" : "";
  let shownQuery = "";
  const mails = new Map();
  const path = (id) => id.split("/").map(encodeURIComponent).join("/");

  const fetched = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw Object.assign(new Error(address), { status: answer.status, found: await answer.json() });
    return answer;
  };

  const articleOf = async ({ id, query }) => {
    const answer = await fetched(`studio/view/${path(id)}${query ? `?${query}` : ""}`);
    return one("article", new DOMParser().parseFromString(await answer.text(), "text/html"));
  };

  const showWrong = (problems) => {
    for (const wrong of all("[data-wrong]", live)) {
      wrong.textContent = problems[wrong.dataset.wrong] ?? "";
      wrong.hidden = !wrong.textContent;
    }
  };

  // ---- findings ------------------------------------------------------------------------------------------------

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const short = (file) => file.split(/[\\/]/).slice(-2).join("/");

  const showFindings = async (sample) => {
    const target = one(".found", sample);
    if (!target) return;
    let answer;
    try {
      answer = await (await fetched(`studio/findings/${path(sample.id)}${shownQuery ? `?${shownQuery}` : ""}`)).json();
    } catch { return; }
    if (!target.isConnected) return;
    const { findings, sources } = answer;
    sample.sources = sources;
    const count = one(".count", sample);
    count.hidden = !findings.length;
    count.textContent = findings.length;
    count.classList.toggle("error", findings.some((finding) => finding.severity === "error"));
    findings.sort((one, other) => (other.severity === "error") - (one.severity === "error"));
    const list = element("ol", "findings");
    for (const finding of findings) {
      const item = element("li", finding.severity);
      const head = element("p", "head");
      head.append(element("b", "", finding.code), element("span", "severity", finding.severity));
      item.append(head, element("p", "message", finding.message));
      if (finding.file) {
        const place = `${short(finding.file)}${finding.line ? `:${finding.line}` : ""}`;
        const jump = element(sources[finding.file] !== undefined ? "button" : "span", "place", place);
        jump.type = "button";
        jump.title = finding.file;
        jump.addEventListener("click", () => showTemplate(sample, finding.file, finding.line));
        item.append(jump);
      }
      list.append(item);
    }
    target.replaceChildren(findings.length ? list : element("p", "quiet", "Nothing found."));
  };

  const showTemplate = (sample, file, line) => {
    const panel = one("[data-panel=template]", sample);
    const text = sample.sources?.[file];
    if (!panel || text === undefined) return;
    panel.replaceChildren(...text.split("\n").map((content, index) => {
      const row = element("span", index + 1 === line ? "line here" : "line");
      row.append(element("i", "", String(index + 1)), `${content}\n`);
      return row;
    }));
    const tab = one("[data-part=template]", sample);
    tab.hidden = false;
    tab.textContent = short(file);
    change({ part: "template" });
    one(".here", panel)?.scrollIntoView({ block: "center" });
  };

  // ---- opening, editing, refreshing ----------------------------------------------------------------------------

  const inspect = (what, article = current) => {
    inspecting = what;
    if (!article) return;
    const inspector = one(".inspector", article);
    article.classList.toggle("inspected", Boolean(inspector && what));
    for (const button of all("[data-inspect]", article)) {
      if (button.dataset.inspect) button.setAttribute("aria-pressed", String(button.dataset.inspect === what));
    }
    for (const section of all("[data-inspector]", article)) section.hidden = section.dataset.inspector !== what;
    if (view.part === "html" && one(".device iframe", article)) { setWidth(current); fit(current); }
  };

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
        const article = await articleOf(place);
        shownQuery = place.query;
        prepare(article);
        inspect(inspecting, article);
        live.replaceChildren(article);
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
    inspect(inspecting);
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
    const { inspect: what } = button.dataset;
    if (what !== undefined) inspect(what === inspecting ? "" : what);
    else if (button.classList.contains("reset")) { button.focus(); goTo({ edit: "" }); }
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

  Object.assign(keys, Object.fromEntries([["f", "findings"], ["e", "edit"], ["s", "send"]].map(
    ([key, what]) => [key, () => inspect(what === inspecting ? "" : what)])));

  // ---- lists -----------------------------------------------------------------------------------------------------

  const showRow = (row) => {
    for (const entry of all(`.entry[data-id="${CSS.escape(row.id)}"]`)) {
      entry.classList.toggle("failed", Boolean(row.failed));
      one(".subject", entry).textContent = row.failed ? "could not be rendered" : row.subject || "(no subject)";
      entry.dataset.words += ` ${row.failed ? "failed" : `${row.subject} ${row.to}`}`.toLowerCase();
    }
    for (const card of all(`.card[data-id="${CSS.escape(row.id)}"]`)) {
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
    const caught = [];
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      for (const row of lines.map((line) => JSON.parse(line))) {
        if (row.id.startsWith("inbox/") && one("#inbox")) caught.push(row);
        else showRow(row);
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

  showRows();
  observe();
} else {
  all(".card").forEach((card) => thumbnails.observe(card));
}
show();
