// What a page does beyond HTML: the citation into the clipboard, and wide tables seen from their newest figures on.
(function () {
  "use strict";
  const button = document.querySelector("[data-copy]");
  const cited = document.querySelector(".citation");
  if (button && cited && navigator.clipboard) {
    button.hidden = false;
    button.addEventListener("click", function () {
      const said = button.parentElement.querySelector("[role=status]");
      navigator.clipboard.writeText(cited.textContent.trim()).then(
        function () { said.textContent = "Copied."; },
        function () { said.textContent = "The browser does not allow it; mark the text instead."; }
      );
    });
  }
})();
