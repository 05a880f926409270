// Buttons that copy the address of what the page shows.

for (const button of document.querySelectorAll(".link")) {
  button.addEventListener("click", async () => {
    if (!navigator.clipboard) return prompt("The link to this answer:", location.href); // without TLS there is none
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Link copied";
    setTimeout(() => (button.textContent = "Copy link"), 3000);
  });
}
