// Enhancements of every page; each works without this file too.

// Ages ("3 min ago") go on ageing while a page stays open.
const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

function age(seconds) {
  for (const [size, name] of units) {
    if (seconds >= size) {
      return `${Math.floor(seconds / size)} ${name} ago`;
    }
  }
  return "just now";
}

function refreshAges() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-age]")) {
    const then = Date.parse(element.dateTime);
    if (!Number.isNaN(then)) element.textContent = age(Math.max(0, Math.round((now - then) / 1000)));
  }
}
setInterval(refreshAges, 10000);

// On a phone the bar scrolls; the page's own entry is in sight.
document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

// A form that only narrows a list submits itself.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) form.requestSubmit();
  });
  form.addEventListener("submit", () => {
    for (const field of form.elements) {
      if (field.name && !field.value) field.disabled = true;
    }
  });
}
// Coming back by the browser's history must find the fields usable.
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-auto] :disabled")) field.disabled = false;
});

// A region that names its refresh interval is fetched anew and replaced, while the page is looked at.
for (const region of document.querySelectorAll("[data-refresh]")) {
  const seconds = Number(region.dataset.refresh);
  if (!region.id || !(seconds > 0)) continue;
  let known = null;
  setInterval(async () => {
    const current = document.getElementById(region.id);
    if (document.hidden || !current || current.contains(document.activeElement)) return;
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!response.ok) return;
      const text = await response.text();
      if (text === known) return;
      known = text;
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(region.id);
      if (fresh) current.replaceWith(document.adoptNode(fresh));
    } catch {
      // The gateway is away; the page stays as it is and the next round tries again.
    }
  }, seconds * 1000);
}

// The search box offers what it finds while somebody types; without this file it is a form.
function setUpSearch(form) {
  const input = form.querySelector("input");
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = "suggestions";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  form.append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-controls": list.id, "aria-expanded": "false", "aria-autocomplete": "list" })) {
    input.setAttribute(name, value);
  }
  let chosen = -1;
  let asked = "";
  let timer = 0;

  function close() {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    const options = list.querySelectorAll("[role=option]");
    if (options.length === 0) return;
    chosen = (index + options.length) % options.length;
    options.forEach((option, position) => option.setAttribute("aria-selected", String(position === chosen)));
    input.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  }

  function show(findings) {
    list.replaceChildren(...findings.map((finding, position) => {
      const option = document.createElement("li");
      option.id = `suggestion-${position}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const link = document.createElement("a");
      link.href = finding.path;
      link.tabIndex = -1;
      const title = document.createElement("span");
      title.textContent = finding.title;
      const detail = document.createElement("span");
      detail.className = "quiet small";
      detail.textContent = finding.detail || finding.kind;
      link.append(title, detail);
      option.append(link);
      return option;
    }));
    if (findings.length === 0) {
      const none = document.createElement("li");
      none.className = "empty";
      none.textContent = "Nothing found.";
      list.append(none);
    }
    chosen = -1;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }

  async function ask() {
    const text = input.value.trim();
    asked = text;
    if (!text) return close();
    try {
      const response = await fetch(`/search/suggestions?q=${encodeURIComponent(text)}`);
      if (response.ok && asked === text && document.activeElement === input) show(await response.json());
    } catch {
      close();
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (list.hidden) input.blur();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !list.hidden && chosen >= 0) {
      event.preventDefault();
      list.querySelectorAll("[role=option] a")[chosen].click();
    }
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
}
const search = document.querySelector("form.search");
if (search) setUpSearch(search);

// Keys: "/" searches, "j" and "k" go through the rows of a page, Enter opens the one that has the focus.
let row = null;

function go(step) {
  const rows = [...document.querySelectorAll("main tbody tr, main details.test > summary")].filter((each) => each.offsetParent !== null);
  if (rows.length === 0) return;
  const at = rows.indexOf(row);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step))];
  row?.classList.remove("current");
  row = next;
  row.classList.add("current");
  (row.matches("summary") ? row : row.querySelector("a"))?.focus();
  row.scrollIntoView({ block: "nearest" });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    go(event.key === "j" ? 1 : -1);
  }
});
