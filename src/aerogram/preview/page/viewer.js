
// ---- the viewer: what files and the studio have in common ------------------------------------------------

const isLive = document.body.hasAttribute("data-live");
const network = document.body.hasAttribute("data-network");
const overview = one("#overview");
const side = one("#side");
const search = one("#search");
const view = {
  part: "html", width: "desktop", scheme: "light", images: true, styles: true, custom: 0, remote: new Set(),
};
const widths = { phone: 390, tablet: 768, desktop: 0 };
const schemes = ["light", "dark", "inverted", "outlook"];
const heights = new Map();
let current = null;
let showing = 0;
let studio = null;  // set by the studio's own script

const entries = () => all(".entry");
const unescaped = (text) => {
  try { return decodeURIComponent(text); } catch { return text; }  // a fragment typed by hand
};
// The fragment names the sample, and in the studio how it is edited: "#order/one-parcel?edit=…&locale=de".
const placeOf = (fragment) => {
  const [path, query = ""] = fragment.slice(1).split("?", 2);
  return { id: unescaped(path), query };
};
const dataOf = (sample) => {
  const script = one("script.data", sample);
  return (sample.data ??= script ? JSON.parse(script.textContent) : {});
};

// ---- the mail ----------------------------------------------------------------------------------------------

const showMail = async (sample) => {
  const data = dataOf(sample);
  const device = one(".device", sample);
  if (!device) return;
  const remote = network || view.remote.has(sample.id);
  const { element, blocked, srcdoc } = frame(data, { ...view, remote }, "The mail as rendered");
  one(".remote", sample).hidden = !blocked || view.part !== "html";
  one(".remote-count", sample).textContent = blocked === 1 ? "1 file" : `${blocked} files`;
  const panel = one(".panel.html", sample);
  for (const width of Object.keys(widths)) panel.classList.toggle(width, width === view.width && !view.custom);
  for (const scheme of schemes) panel.classList.toggle(`scheme-${scheme}`, scheme === view.scheme);
  element.style.height = `${heights.get(`${sample.id} ${view.width}`) ?? 560}px`;
  device.replaceChildren(element);
  element.srcdocShown = srcdoc;
  setWidth(sample);
  await fit(sample);
};

const fit = async (sample) => {
  const element = one(".device iframe", sample);
  if (!element) return;
  await element.loaded;  // the mail itself comes first
  if (!element.isConnected) return;
  const height = await heightOf(element.srcdocShown, element.clientWidth);
  if (!height || !element.isConnected) return;
  element.style.height = `${height}px`;
  heights.set(`${sample.id} ${view.width}`, height);
};

const setWidth = (sample) => {
  const holder = one(".frame", sample);
  const wanted = view.custom || widths[view.width];
  const bezel = view.width === "phone" && !view.custom ? 16 : 2;
  holder.style.width = wanted ? `${wanted + bezel}px` : "";
  const now = one(".device", sample).clientWidth;
  one(".grip", sample).setAttribute("aria-valuenow", String(now));
  one(".grip", sample).setAttribute("aria-valuetext", `${now} pixels`);
  holder.dataset.shown = `${now} px`;
};

const drag = (grip, event) => {
  const holder = grip.closest(".frame");
  const from = event.clientX, start = one(".device", holder).clientWidth;
  grip.setPointerCapture(event.pointerId);
  holder.classList.add("dragged");
  // The frame is in the middle, so it grows on both sides.
  const move = (moved) => {
    view.custom = Math.max(280, Math.min(1600, Math.round(start + 2 * (moved.clientX - from))));
    setWidth(current);
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", () => {
    grip.removeEventListener("pointermove", move);
    holder.classList.remove("dragged");
    if (view.custom) showSample(current);
  }, { once: true });
};

// ---- source ------------------------------------------------------------------------------------------------

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
    const headers = document.createElement("span"), rest = document.createElement("span");
    coloured(headers, text.slice(0, body), /(^[!-9;-~]+:)/m, () => "header");
    coloured(rest, text.slice(body), /(^--\S+$|^(?:Content-[A-Za-z-]+|MIME-Version):)/m,
      (piece) => (piece.startsWith("--") ? "comment" : "header"));
    target.replaceChildren(headers, rest);
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

// ---- what is beside the mail: findings, and in the studio the form and the test -----------------------------

let inspecting = innerWidth >= 1280 ? "findings" : "";
const showInspector = (article) => {
  article.classList.toggle("inspected", Boolean(one(".inspector", article) && inspecting));
  for (const button of all("[data-inspect]", article)) {
    if (button.dataset.inspect) button.setAttribute("aria-pressed", String(button.dataset.inspect === inspecting));
  }
  for (const section of all("[data-inspector]", article)) section.hidden = section.dataset.inspector !== inspecting;
};
const inspect = (what) => {
  inspecting = what === inspecting ? "" : what;
  if (!current) return;
  showInspector(current);
  if (view.part === "html" && one(".device iframe", current)) { setWidth(current); fit(current); }
};

const sourcesOf = (sample) => sample.sources ?? JSON.parse(one("#sources")?.textContent ?? "{}");
const showTemplate = (sample, file, line) => {
  const panel = one("[data-panel=template]", sample);
  const text = sourcesOf(sample)[file];
  if (!panel || text === undefined) return;
  panel.replaceChildren(...text.split("\n").map((content, index) => {
    const row = document.createElement("span"), number = document.createElement("i");
    row.className = index + 1 === line ? "line here" : "line";
    number.textContent = String(index + 1);
    row.append(number, `${content}\n`);
    return row;
  }));
  const tab = one("[data-part=template]", sample);
  tab.hidden = tab.closest(".toolbar").hidden = false;
  tab.textContent = file.split(/[\\/]/).slice(-2).join("/");
  change({ part: "template" });
  one(".here", panel)?.scrollIntoView({ block: "center" });
};

// ---- what is shown -----------------------------------------------------------------------------------------

const showSample = (sample) => {
  const tabs = all("[data-part]:not([hidden])", sample);
  if (!tabs.length) return;
  const part = tabs.some((tab) => tab.dataset.part === view.part) ? view.part : tabs[0].dataset.part;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab.dataset.part === part));
    tab.tabIndex = tab.dataset.part === part ? 0 : -1;
  }
  for (const panel of all("[data-panel]", sample)) panel.hidden = panel.dataset.panel !== part;
  for (const tools of all("[data-for]", sample)) tools.hidden = tools.dataset.for !== part;
  const press = (button, pressed) => button.setAttribute("aria-pressed", String(pressed));
  for (const button of all("[data-width]", sample)) press(button, button.dataset.width === view.width && !view.custom);
  for (const button of all("[data-scheme]", sample)) press(button, button.dataset.scheme === view.scheme);
  for (const button of all("[data-toggle]", sample)) press(button, view[button.dataset.toggle]);
  for (const notice of all(".remote", sample)) notice.hidden = true;
  if (part === "html") return showMail(sample);
  if (part === "source" || part === "raw") showSource(sample, part);
};

const show = async () => {
  const place = placeOf(location.hash);
  const asked = showing += 1;
  const found = studio ? await studio.find(place) : document.getElementById(place.id);
  if (asked !== showing) return;  // another was asked for meanwhile
  const next = found?.matches("article.sample") ? found : null;
  const isOther = current?.id !== next?.id;
  if (current && current !== next) {
    current.hidden = true;
    one(".device", current)?.replaceChildren();
  }
  current = next;
  overview.hidden = Boolean(current);
  for (const entry of entries()) {
    if (current && entry.dataset.id === current.id) {
      entry.setAttribute("aria-current", "page");
      if (isOther) entry.scrollIntoView({ block: "nearest" });
    } else entry.removeAttribute("aria-current");
  }
  openSide(false);
  if (!current) return;
  current.hidden = false;
  showInspector(current);
  showSample(current);
  if (isOther) window.scrollTo(0, 0);
};

const step = (by) => {
  const visible = entries().filter((entry) => !entry.hidden);
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
  for (const entry of entries()) {
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

const thumbnails = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    thumbnails.unobserve(target);
    showThumbnail(target);
  }
}, { rootMargin: "300px" });
const showThumbnail = async (card) => {
  const data = studio ? await studio.mail(card.dataset.id) : dataOf(document.getElementById(card.dataset.id));
  if (typeof data?.html !== "string") return;
  const { element } = frame(data, { scheme: "light", remote: network }, "");
  element.scrolling = "no";  // a thumbnail shows the beginning, and no bar beside it
  element.tabIndex = -1;
  element.setAttribute("aria-hidden", "true");
  one(".thumb", card).replaceChildren(element);
};

// ---- what people do ----------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const download = event.target.closest("a.eml");
  if (download) downloadMessage(download, event);
  const button = event.target.closest("button");
  if (!button) {
    if (side.classList.contains("open") && !side.contains(event.target)) openSide(false);
    return;
  }
  const { part, width, scheme, toggle, step: by, inspect: what, file, line } = button.dataset;
  if (what !== undefined) {
    inspect(what);
    one("[data-inspector=send]:not([hidden]) input", current)?.focus();
  }
  else if (file) showTemplate(current, file, Number(line));
  else if (part) change({ part });
  else if (width) change({ width, custom: 0 });
  else if (scheme) change({ scheme });
  else if (toggle) change({ [toggle]: !view[toggle] });
  else if (by) step(Number(by));
  else if (button.classList.contains("load-remote")) {
    if (isLive) location.search = "?network=1";
    else { view.remote.add(current.id); change({}); }
  } else if (button.id === "menu") openSide(!side.classList.contains("open"));
  else if (button.id === "help-button") one("#help").showModal();
});

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.(".grip");
  if (grip) drag(grip, event);
});

const cycle = (list, value) => list[(list.indexOf(value) + 1) % list.length];
const parts = { 1: "html", 2: "text", 3: "source", 4: "raw", 5: "headers", 6: "parts" };
const keys = {
  j: () => step(1),
  k: () => step(-1),
  g: () => { location.hash = "#"; },
  w: () => change({ width: cycle(Object.keys(widths), view.custom ? "" : view.width), custom: 0 }),
  d: () => change({ scheme: cycle(schemes, view.scheme) }),
  f: () => inspect("findings"),
  i: () => change({ images: !view.images }),
  c: () => change({ styles: !view.styles }),
  "/": () => { openSide(true); search.focus(); search.select(); },
  "?": () => one("#help").showModal(),
};
for (const [key, part] of Object.entries(parts)) keys[key] = () => change({ part });

const moveGrip = (by) => change({ custom: Math.max(280, one(".device", current).clientWidth + by) });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || one("#help").open) return;
  if (event.target === search) {
    if (event.key === "Enter") {
      const first = entries().find((entry) => !entry.hidden);
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
  if (event.target.matches("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.target.matches(".grip") && /^Arrow(Left|Right)$/.test(event.key)) {
    moveGrip(event.key === "ArrowLeft" ? -20 : 20);
    one(".grip", current).focus();
    return;
  }
  if (event.target.matches("[role=tab]") && /^Arrow(Left|Right)$/.test(event.key)) {
    const tabs = all("[role=tab]:not([hidden])", event.target.parentElement);
    const at = tabs.indexOf(event.target) + (event.key === "ArrowLeft" ? -1 : 1);
    const tab = tabs[(at + tabs.length) % tabs.length];
    change({ part: tab.dataset.part });
    tab.focus();
    return;
  }
  const act = keys[event.key];
  if (act) { event.preventDefault(); act(); }
});
search.addEventListener("input", filter);
window.addEventListener("hashchange", show);
let resizing = 0;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { if (current) { setWidth(current); fit(current); } }, 150);
});
