// The keyboard. Everything that these keys do, links and forms do as well.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const pages = { ga: "/", gs: "/server", gu: "/audit", gw: "/access", gh: "/help" };
  let before = "";
  const typing = (e) => e.target.closest("input, select, textarea, [contenteditable]");
  const rows = () => [...document.querySelectorAll("table.apps a.open")];

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    all[Math.min(Math.max(at + by, 0), all.length - 1)].focus();
  };

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (typing(e)) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const two = before + e.key;
    before = "";
    if (two in pages) location.assign(pages[two]);
    else if (e.key === "g") before = "g";
    else if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "?") document.getElementById("keys").showModal();
    else if (e.key === "/") {
      e.preventDefault();
      const find = document.getElementById("find");
      if (find) find.select();
      else location.assign("/#find");
    }
  });

  if (location.hash === "#find") document.getElementById("find")?.focus();

  // What comes line by line stays at its end, unless somebody has scrolled up. With data-most,
  // the oldest lines drop; with data-anew, a stream begins with the last lines by itself.
  const log = document.getElementById("log");
  if (log && log.hasAttribute("hx-sse:connect")) {
    const most = Number(log.dataset.most) || Infinity;
    let follows = true;
    log.addEventListener("scroll", () => {
      follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    });
    new MutationObserver(() => {
      while (log.childElementCount > most) log.firstElementChild.remove();
      if (follows) log.scrollTop = log.scrollHeight;
    }).observe(log, { childList: true });
    log.scrollTop = log.scrollHeight;
    if ("anew" in log.dataset) log.addEventListener("htmx:sse:after:connection", () => log.replaceChildren());
    log.addEventListener("end", () => document.getElementById("log-ended")?.removeAttribute("hidden"));
  }
})();
