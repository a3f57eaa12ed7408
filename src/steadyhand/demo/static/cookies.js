// Accepting is remembered by the browser alone, and what was already typed on the page stays.
const dialog = document.getElementById("cookies");
document.getElementById("accept-cookies").addEventListener("click", () => {
  document.cookie = `${dialog.dataset.cookie}=accepted; path=/; SameSite=Strict`;
  dialog.remove();
});
