// The log of a run: more lines on demand, and new ones while it runs.
const log = document.getElementById("log");
const most = 4000;

function number(line) {
  return Number(line?.id.slice(1) ?? 0);
}

function lines() {
  return log.querySelectorAll(".l");
}

async function fetchLines(from, count) {
  const url = new URL(log.dataset.lines, location.href);
  url.searchParams.set("from", from);
  url.searchParams.set("count", count);
  const response = await fetch(url);
  if (!response.ok) throw new Error(response.statusText);
  return response.text();
}

function mark(line) {
  for (const other of log.querySelectorAll(".hit")) other.classList.remove("hit");
  line.classList.add("hit");
}

function setUp() {
  const list = log.querySelector(".lines");

  // A click on a line's number names the line in the address, without asking the server again.
  list.addEventListener("click", (event) => {
    const link = event.target.closest(".l > a");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    mark(link.parentElement);
  });

  for (const link of log.querySelectorAll("a[data-more]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const all = lines();
      const earlier = link.dataset.more === "earlier";
      const edge = number(earlier ? all[0] : all[all.length - 1]);
      const from = earlier ? Math.max(1, edge - 300) : edge + 1;
      const count = earlier ? edge - from : 300;
      if (count <= 0) return link.remove();
      link.setAttribute("aria-busy", "true");
      try {
        const html = await fetchLines(from, count);
        const before = document.documentElement.scrollHeight;
        list.insertAdjacentHTML(earlier ? "afterbegin" : "beforeend", html);
        if (earlier) scrollBy(0, document.documentElement.scrollHeight - before);
        const rest = earlier ? from - 1 : Number(log.dataset.total) - number(lines()[lines().length - 1]);
        link.querySelector("b").textContent = rest;
        if (rest <= 0) link.remove();
      } catch {
        location.href = link.href;
      } finally {
        link.removeAttribute("aria-busy");
      }
    });
  }

  // An address with a line that is not on the page: ask for a page that has it.
  const wanted = /^#L(\d+)$/.exec(location.hash)?.[1];
  if (wanted) {
    const line = document.getElementById(`L${wanted}`);
    const url = new URL(location.href);
    if (line) {
      mark(line);
    } else if (url.searchParams.get("line") !== wanted) {
      url.searchParams.set("line", wanted);
      location.replace(url);
    }
  }

  if (log.dataset.stream) follow(list);
}

function follow(list) {
  const url = new URL(log.dataset.stream, location.href);
  url.searchParams.set("position", log.dataset.position);
  const source = new EventSource(url);
  const empty = log.querySelector(".empty");
  const live = document.getElementById("live");

  source.addEventListener("lines", (event) => {
    const { first, html } = JSON.parse(event.data);
    const last = lines()[lines().length - 1];
    if (last && first <= number(last)) return;
    empty?.remove();
    const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 160;
    list.insertAdjacentHTML("beforeend", html);
    for (const line of [...lines()].slice(0, -most)) line.remove();
    if (atEnd) scrollTo(0, document.documentElement.scrollHeight);
  });
  source.addEventListener("state", (event) => {
    const { state, label } = JSON.parse(event.data);
    for (const element of document.querySelectorAll("[data-run-state]")) {
      element.className = `state ${state}`;
      element.textContent = label;
    }
  });
  source.addEventListener("end", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => live?.classList.add("away"));
  source.addEventListener("open", () => live?.classList.remove("away"));
}

if (log) setUp();
