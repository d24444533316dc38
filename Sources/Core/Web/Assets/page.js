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
