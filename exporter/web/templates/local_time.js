for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  if (isNaN(at)) continue;
  time.title = [time.title, at.toLocaleString() + " your time"].filter(Boolean).join(", ");
  if (time.closest("header") && at.getTimezoneOffset()) time.after(", " + at.toLocaleTimeString() + " your time");
}
