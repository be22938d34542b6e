"use strict";
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const overview = one("#overview");
  const side = one("#side");
  const search = one("#search");
  const samples = all("article.sample");
  const entries = all(".entry");
  const view = { part: "html", width: "desktop", scheme: "light", remote: new Set() };
  const schemes = ["light", "dark", "inverted"];
  let current = null;

  const dataOf = (sample) => {
    const script = one("script.data", sample);
    return (sample.data ??= script ? JSON.parse(script.textContent) : {});
  };

  // ---- the mail in its frame -------------------------------------------------------------------------

  const REMOTE = /^\s*(https?:)?\/\//i;
  const REMOTE_IN_CSS = /url\(\s*["']?\s*(?:https?:)?\/\/[^)]*\)|@import\s+["']\s*(?:https?:)?\/\/[^;]*;?/gi;
  const BOTH_SCHEMES = /(color-scheme\s*:\s*)(?:light\s+dark|dark\s+light)/gi;
  const ASKED_SCHEME = /\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi;
  // The frame has a policy of its own, beside the sandbox: should a rule below miss something, it does not load.
  const CLOSED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:";

  // The sandbox runs no script anyhow, but the console would complain about each of them.
  const TAG = /<[a-z][^>]*>/gi;
  const HANDLER = /\son[a-z]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi;
  const withoutHandlers = (tag) => tag.replace(HANDLER, "");

  // Returns the document for a frame, and how many things of it would have come from the network.
  const framed = (data, wanted, remote) => {
    const scheme = wanted === "dark" ? "dark" : "light";
    const mail = new DOMParser().parseFromString(data.html.replace(TAG, withoutHandlers), "text/html");
    let blocked = 0;
    const css = (text) => {
      // A frame's preferred colours follow the page's in some browsers and the system's in others: settle it here.
      text = text.replace(ASKED_SCHEME, (_, want) =>
        want.toLowerCase() === scheme ? "(min-width: 0)" : "(max-width: 0)").replace(BOTH_SCHEMES, `$1${scheme}`);
      return remote ? text : text.replace(REMOTE_IN_CSS, () => { blocked += 1; return "none"; });
    };
    all("script, base, meta[http-equiv=refresh i]", mail).forEach((element) => element.remove());
    all("style", mail).forEach((style) => { style.textContent = css(style.textContent); });
    for (const meta of all("meta[name=color-scheme i]", mail)) {
      if (meta.content.includes(scheme)) meta.content = scheme;
    }
    all("[style]", mail).forEach((element) => {
      const text = element.getAttribute("style");
      if (/[(]|scheme/.test(text)) element.setAttribute("style", css(text));
    });
    all("[media]", mail).forEach((element) => element.setAttribute("media", css(element.getAttribute("media"))));
    for (const name of ["src", "background", "poster", "srcset", "href"]) {
      for (const element of all(name === "href" ? "link[href]" : `[${name}]`, mail)) {
        const value = element.getAttribute(name);
        const inline = /^cid:(.*)$/i.exec(value.trim());
        if (inline) {
          let id = inline[1];
          try { id = decodeURIComponent(id); } catch { /* not percent-encoded after all */ }
          if (data.inline[id]) element.setAttribute(name, data.inline[id]);
          else element.removeAttribute(name);
        } else if (!remote && (REMOTE.test(value) || (name === "srcset" && /\/\//.test(value)))) {
          blocked += 1;
          element.removeAttribute(name);
        }
      }
    }
    const head = mail.head;
    const add = (tag, attributes) => {
      const element = mail.createElement(tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      head.prepend(element);
      return element;
    };
    if (wanted === "inverted") {
      add("style", {}).textContent = "img, video { filter: invert(1) hue-rotate(180deg) }";
    }
    add("base", { target: "_blank" });
    if (!remote) add("meta", { "http-equiv": "Content-Security-Policy", content: CLOSED });
    add("meta", { charset: "utf-8" });
    const doctype = /^\s*(?:<!--[\s\S]*?-->\s*)?(<!doctype[^>]*>)/i.exec(data.html);
    return { blocked, srcdoc: (doctype ? doctype[1] : "") + mail.documentElement.outerHTML };
  };

  const frame = (data, scheme, remote, title) => {
    const element = document.createElement("iframe");
    const { blocked, srcdoc } = framed(data, scheme, remote);
    // No scripts and no origin; links open beside this page.
    element.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    element.setAttribute("referrerpolicy", "no-referrer");
    element.title = title;
    element.style.colorScheme = scheme === "dark" ? "dark" : "light";
    element.srcdoc = srcdoc;
    return { element, blocked };
  };

  const showMail = (sample) => {
    const data = dataOf(sample);
    const device = one(".device", sample);
    if (!device) return;
    const remote = view.remote.has(sample.id);
    const { element, blocked } = frame(data, view.scheme, remote, "The mail as rendered");
    device.replaceChildren(element);
    one(".remote", sample).hidden = !blocked || view.part !== "html";
    one(".remote-count", sample).textContent = blocked === 1 ? "1 file" : `${blocked} files`;
    const panel = one(".panel.html", sample);
    panel.classList.toggle("phone", view.width === "phone");
    for (const scheme of schemes) panel.classList.toggle(`scheme-${scheme}`, scheme === view.scheme);
  };

  // ---- source ----------------------------------------------------------------------------------------

  const coloured = (target, text, pattern, kind) => {
    target.replaceChildren(...text.split(pattern).map((piece, index) => {
      if (index % 2 === 0) return piece;
      const span = document.createElement("span");
      span.className = kind(piece);
      span.textContent = piece;
      return span;
    }));
  };

  const showSource = (sample, part) => {
    const target = one(`[data-panel=${part}]`, sample);
    if (target.firstChild) return;
    const text = dataOf(sample)[part === "raw" ? "raw" : "html"];
    if (text.length > 300000) target.textContent = text;
    else if (part === "source") {
      coloured(target, text, /(<!--[\s\S]*?-->|<[^<>]*>)/, (piece) => (piece.startsWith("<!--") ? "comment" : "tag"));
    } else {
      const body = text.indexOf("\n\n");
      const headers = document.createElement("span");
      coloured(headers, text.slice(0, body), /(^[!-9;-~]+:)/m, () => "header");
      target.replaceChildren(headers, text.slice(body));
    }
  };

  // A browser shows a message it finds on disk as a page instead of saving it: hand it over as a download.
  const downloadMessage = (link, event) => {
    const { raw, whole } = dataOf(current);
    if (!whole) return;
    event.preventDefault();
    const url = URL.createObjectURL(new Blob([raw.replaceAll("\n", "\r\n")], { type: "message/rfc822" }));
    const save = document.createElement("a");
    save.href = url;
    save.download = link.download;
    save.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  };

  // ---- what is shown ---------------------------------------------------------------------------------

  const showSample = (sample) => {
    const tabs = all("[data-part]", sample);
    if (!tabs.length) return;
    const part = tabs.some((tab) => tab.dataset.part === view.part) ? view.part : tabs[0].dataset.part;
    for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.dataset.part === part));
    for (const panel of all("[data-panel]", sample)) panel.hidden = panel.dataset.panel !== part;
    for (const tools of all("[data-for]", sample)) tools.hidden = tools.dataset.for !== part;
    for (const button of all("[data-width]", sample)) button.setAttribute("aria-pressed", String(button.dataset.width === view.width));
    for (const button of all("[data-scheme]", sample)) button.setAttribute("aria-pressed", String(button.dataset.scheme === view.scheme));
    one(".remote", sample).hidden = true;
    if (part === "html") showMail(sample);
    else if (part !== "text") showSource(sample, part);
  };

  const show = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* a fragment typed by hand */ }
    const next = samples.find((sample) => sample.id === id) ?? null;
    if (current && current !== next) {
      current.hidden = true;
      one(".device", current)?.replaceChildren();
    }
    current = next;
    overview.hidden = Boolean(current);
    for (const entry of entries) {
      if (current && entry.dataset.id === current.id) {
        entry.setAttribute("aria-current", "page");
        entry.scrollIntoView({ block: "nearest" });
      } else entry.removeAttribute("aria-current");
    }
    openSide(false);
    if (!current) return;
    current.hidden = false;
    showSample(current);
    window.scrollTo(0, 0);
  };

  const step = (by) => {
    const visible = entries.filter((entry) => !entry.hidden);
    const at = visible.findIndex((entry) => current && entry.dataset.id === current.id);
    const next = visible[at < 0 ? (by > 0 ? 0 : visible.length - 1) : at + by];
    if (next) location.hash = next.getAttribute("href");
  };

  const change = (what) => {
    Object.assign(view, what);
    if (current) showSample(current);
  };

  const openSide = (open) => {
    side.classList.toggle("open", open);
    one("#menu").setAttribute("aria-expanded", String(open));
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matching = new Set();
    for (const entry of entries) {
      entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
      if (!entry.hidden) matching.add(entry.dataset.id);
    }
    for (const group of all(".group")) {
      const own = all(".entry", group);
      group.hidden = words.length > 0 && !own.some((entry) => !entry.hidden);
    }
    for (const card of all(".card")) card.hidden = !matching.has(card.dataset.id);
    one("#nothing").hidden = matching.size > 0 || !words.length;
  };

  // ---- what people do --------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const download = event.target.closest("a.eml");
    if (download) downloadMessage(download, event);
    const button = event.target.closest("button");
    if (!button) {
      if (side.classList.contains("open") && !side.contains(event.target)) openSide(false);
      return;
    }
    const { part, width, scheme, step: by } = button.dataset;
    if (part) change({ part });
    else if (width) change({ width });
    else if (scheme) change({ scheme });
    else if (by) step(Number(by));
    else if (button.classList.contains("load-remote")) { view.remote.add(current.id); change({}); }
    else if (button.id === "menu") openSide(!side.classList.contains("open"));
    else if (button.id === "help-button") one("#help").showModal();
  });

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    g: () => { location.hash = "#"; },
    w: () => change({ width: view.width === "phone" ? "desktop" : "phone" }),
    d: () => change({ scheme: schemes[(schemes.indexOf(view.scheme) + 1) % schemes.length] }),
    1: () => change({ part: "html" }),
    2: () => change({ part: "text" }),
    3: () => change({ part: "source" }),
    4: () => change({ part: "raw" }),
    "/": () => { openSide(true); search.focus(); search.select(); },
    "?": () => one("#help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("#help").open) return;
    if (event.target === search) {
      if (event.key === "Enter") {
        const first = entries.find((entry) => !entry.hidden);
        if (first) location.hash = first.getAttribute("href");
        search.blur();
      } else if (event.key === "Escape") {
        search.value = "";
        filter();
        search.blur();
        openSide(false);
      }
      return;
    }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  search.addEventListener("input", filter);
  window.addEventListener("hashchange", show);

  const thumbnails = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      thumbnails.unobserve(target);
      const data = dataOf(document.getElementById(target.dataset.id));
      if (typeof data.html !== "string") continue;
      const { element } = frame(data, "light", false, "");
      element.scrolling = "no";  // a thumbnail shows the beginning, and no bar beside it
      element.tabIndex = -1;
      element.setAttribute("aria-hidden", "true");
      one(".thumb", target).replaceChildren(element);
    }
  }, { rootMargin: "300px" });
  all(".card").forEach((card) => thumbnails.observe(card));

  show();
})();
