// The trains move while somebody watches: the gateway sends the live part of the page anew whenever it changes.
const region = document.getElementById("pools");
const sign = document.getElementById("live");

function watch() {
  const url = new URL("/merging/stream", location.href);
  url.search = location.search;
  const events = new EventSource(url);
  events.addEventListener("open", () => {
    if (sign) {
      sign.hidden = false;
      sign.classList.remove("away");
    }
  });
  events.addEventListener("error", () => sign?.classList.add("away"));
  events.addEventListener("pools", (event) => {
    // What somebody opened or points at stays as it is until they are done.
    if (region.contains(document.activeElement) && document.activeElement !== document.body) return;
    const open = new Set([...region.querySelectorAll("details[open][id]")].map((each) => each.id));
    region.innerHTML = event.data;
    for (const each of region.querySelectorAll("details[id]")) {
      if (open.has(each.id)) each.open = true;
    }
  });
  addEventListener("pagehide", () => events.close());
}

if (region && "EventSource" in window) watch();
