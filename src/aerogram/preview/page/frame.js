"use strict";
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- the mail in its frame -------------------------------------------------------------------------

const REMOTE = /^\s*(https?:)?\/\//i;
const REMOTE_IN_CSS = /url\(\s*["']?\s*(?:https?:)?\/\/[^)]*\)|@import\s+["']\s*(?:https?:)?\/\/[^;]*;?/gi;
const FILE_IN_CSS = /url\(\s*["']?(?!\s*["']?(?:data:|#|(?:https?:)?\/\/))[^)]*\)/gi;
const BOTH_SCHEMES = /(color-scheme\s*:\s*)(?:light\s+dark|dark\s+light)/gi;
const ASKED_SCHEME = /\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi;
// The frame has a policy of its own, beside the sandbox: should a rule below miss something, it does not load.
const CLOSED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:";

// The sandbox runs no script and loads no page anyhow, but the console would complain about each of them.
const INERT = "script, base, iframe, frame, object, embed, meta[http-equiv=refresh i]";
const TAG = /<[a-z][^>]*>/gi;
const HANDLER = /\son[a-z]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi;
const withoutHandlers = (tag) => tag.replace(HANDLER, "");

// What Outlook does to a mail in its dark mode, roughly: light backgrounds become dark and dark words light,
// with their hue kept; pictures stay.
const COLOUR = /#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^)]*\)|\b[a-z]{3,20}\b/gi;
const COLOURED = /((?:^|[;{\s"'])(color|background(?:-color)?|border(?:-[a-z]+)*|outline(?:-color)?)\s*:\s*)([^;}]+)/gi;
const KEPT = /^(?:transparent|inherit|initial|unset|revert|currentcolor|none)$/i;
const canvas = document.createElement("canvas").getContext("2d");
const recoloured = (text, isWords) => {
  if (KEPT.test(text) || !CSS.supports("color", text)) return text;
  canvas.fillStyle = text;
  const hex = /^#(..)(..)(..)$/.exec(canvas.fillStyle);
  if (!hex) return text;  // partly transparent
  const [red, green, blue] = hex.slice(1).map((each) => parseInt(each, 16) / 255);
  const most = Math.max(red, green, blue), least = Math.min(red, green, blue);
  const lightness = (most + least) / 2, span = most - least;
  if (isWords ? lightness >= 0.55 : lightness <= 0.45) return text;
  const saturation = span && span / (1 - Math.abs(2 * lightness - 1));
  const hue = !span ? 0 : most === red ? ((green - blue) / span) % 6 : most === green ? (blue - red) / span + 2 : (red - green) / span + 4;
  const inverted = isWords ? Math.min(0.95, 1.05 - lightness) : Math.max(0.12, 1 - lightness);
  return `hsl(${Math.round(hue * 60)} ${Math.round(saturation * 100)}% ${Math.round(inverted * 100)}%)`;
};
const outlookCss = (text) => text.replace(COLOURED, (_, start, property, value) =>
  start + value.split(/(url\([^)]*\)?)/i).map((piece, index) => (index % 2 ? piece
    : piece.replace(COLOUR, (colour) => recoloured(colour, property.toLowerCase() === "color")))).join(""));
const outlookMail = (mail) => {
  all("style", mail).forEach((style) => { style.textContent = outlookCss(style.textContent); });
  all("[style]", mail).forEach((element) => element.setAttribute("style", outlookCss(element.getAttribute("style"))));
  for (const [name, isWords] of [["bgcolor", false], ["color", true], ["text", true]]) {
    for (const element of all(`[${name}]`, mail)) {
      element.setAttribute(name, toHex(recoloured(element.getAttribute(name), isWords)));
    }
  }
};
const toHex = (colour) => { canvas.fillStyle = colour; return canvas.fillStyle; };  // attributes know no hsl()

// Returns the document for a frame, and how many things of it would have come from the network.
const framed = (data, { scheme: wanted, remote, images = true, styles = true }) => {
  const scheme = wanted === "dark" ? "dark" : "light";
  const mail = new DOMParser().parseFromString(data.html.replace(TAG, withoutHandlers), "text/html");
  let blocked = 0;
  const css = (text) => {
    if (!images) text = text.replace(/url\([^)]*\)/gi, "none");
    // A frame's preferred colours follow the page's in some browsers and the system's in others: settle it here.
    text = text.replace(ASKED_SCHEME, (_, want) =>
      want.toLowerCase() === scheme ? "(min-width: 0)" : "(max-width: 0)").replace(BOTH_SCHEMES, `$1${scheme}`);
    text = text.replace(FILE_IN_CSS, "none");
    return remote ? text : text.replace(REMOTE_IN_CSS, () => { blocked += 1; return "none"; });
  };
  all(INERT, mail).forEach((element) => element.remove());
  if (!styles) all("style, link[rel~=stylesheet i]", mail).forEach((element) => element.remove());
  if (!images) {
    all("[srcset]", mail).forEach((element) => element.removeAttribute("srcset"));
    all("img, input[type=image i]", mail).forEach((image) => image.removeAttribute("src"));
    all("[background]", mail).forEach((element) => element.removeAttribute("background"));
  }
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
    for (const element of all(name === "href" ? "link[href], image[href], use[href]" : `[${name}]`, mail)) {
      const value = element.getAttribute(name);
      const inline = /^cid:(.*)$/i.exec(value.trim());
      if (inline) {
        let id = inline[1];
        try { id = decodeURIComponent(id); } catch { /* not percent-encoded after all */ }
        if (data.inline[id]) element.setAttribute(name, data.inline[id]);
        else element.removeAttribute(name);
      } else if (REMOTE.test(value) || (name === "srcset" && /\/\//.test(value))) {
        if (remote) continue;
        blocked += 1;
        element.removeAttribute(name);
      } else if (!/^\s*data:/i.test(value)) element.removeAttribute(name);  // a file that no reader has
    }
  }
  if (wanted === "outlook") outlookMail(mail);
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
  if (wanted === "outlook") add("style", {}).textContent = "html { background: #1f1f1f; color: #f2f2f2 }";
  add("base", { target: "_blank" });
  if (!remote) add("meta", { "http-equiv": "Content-Security-Policy", content: CLOSED });
  add("meta", { charset: "utf-8" });
  const doctype = /^\s*(?:<!--[\s\S]*?-->\s*)?(<!doctype[^>]*>)/i.exec(data.html);
  return { blocked, srcdoc: (doctype ? doctype[1] : "") + mail.documentElement.outerHTML };
};

const frame = (data, look, title) => {
  const element = document.createElement("iframe");
  const { blocked, srcdoc } = framed(data, look);
  // No scripts and no origin; links open beside this page.
  element.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
  element.setAttribute("referrerpolicy", "no-referrer");
  element.title = title;
  element.style.colorScheme = look.scheme === "dark" ? "dark" : "light";
  element.srcdoc = srcdoc;
  element.loaded = new Promise((resolve) => { element.addEventListener("load", resolve, { once: true }); });
  return { element, blocked, srcdoc };
};

// The page cannot look into a mail's frame, so its height is that of a copy which is laid out unseen for a
// moment. The copy runs no scripts either.
const heightOf = (srcdoc, width) => new Promise((resolve) => {
  const probe = document.createElement("iframe");
  probe.setAttribute("sandbox", "allow-same-origin");
  probe.className = "probe";
  probe.title = "";
  probe.tabIndex = -1;
  probe.setAttribute("aria-hidden", "true");
  probe.style.width = `${width}px`;
  probe.addEventListener("load", () => {
    const root = probe.contentDocument?.documentElement;
    resolve(root ? Math.ceil(Math.max(root.scrollHeight, root.getBoundingClientRect().height)) : 0);
    probe.remove();
  });
  probe.srcdoc = srcdoc;
  document.body.append(probe);
});
