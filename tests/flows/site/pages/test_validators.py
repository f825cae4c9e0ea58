"""The site's pages before other people's judges: the HTML validator vnu, and axe-core for accessibility.

Both come from npm, into `node_modules` beside this project or in the folder that WEB_CHECKERS names:
`npm install --prefix FOLDER vnu-jar axe-core`. Without them, Java or Chromium these tests are skipped.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.flows.site.page_data import BROWSER, needs_browser
from tests.flows.site.pages.small_site import built

MODULES = Path(os.environ.get("WEB_CHECKERS", PROJECT)) / "node_modules"
VNU = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
AXE = MODULES / "axe-core" / "axe.min.js"
PAGES = [
    "holders/japan.html", "holders/index.html", "findings/japan-2024-05.html", "findings/japan-fall-from-2024-04.html",
    "findings/index.html", "releases/2024-07-18.html", "releases/index.html", "methodology.html", "health.html", "404.html",
]  # fmt: skip
RUN = """<script src="axe.min.js"></script><script>
axe.run().then(function (found) {
  const told = found.violations.map(function (one) { return one.impact + ": " + one.id + ": " + one.nodes[0].html; });
  const kept = document.createElement("pre"); kept.id = "found-by-axe"; kept.textContent = JSON.stringify(told);
  document.body.append(kept);
});
</script></body>"""

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged") / "public"
    built(folder)
    return folder


@pytest.mark.skipif(not VNU.exists() or shutil.which("java") is None, reason="vnu-jar or Java is not installed")
def test_every_page_is_valid_html(site: Path) -> None:
    judged = [str(path) for path in sorted(site.rglob("*.html")) if path.name != "index.html" or path.parent != site]
    found = subprocess.run(
        ["java", "-jar", str(VNU), "--errors-only", *judged], capture_output=True, text=True, timeout=300, check=False
    )
    assert found.stderr == ""
    assert found.returncode == 0


def found_by_axe(page: Path, axe: Path, *, dark: bool) -> list[str]:
    """What axe finds in a page as Chromium draws it, as `impact: rule: element`."""
    shutil.copyfile(axe, page.parent / "axe.min.js")
    with_axe = page.with_name(f"with-axe-{page.name}")
    with_axe.write_text(page.read_text(encoding="utf-8").replace("</body>", RUN), encoding="utf-8")
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    drawn = subprocess.run(
        [str(BROWSER), "--headless=new", "--no-sandbox", "--window-size=390,844", "--virtual-time-budget=20000", *scheme,
         "--dump-dom", with_axe.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    told = re.search(r'<pre id="found-by-axe">(.*?)</pre>', drawn, re.S)
    assert told, f"axe did not run on {page.name}"
    return list(json.loads(told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")))


@needs_browser
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_serious_fault(site: Path, page: str, dark: bool) -> None:
    found = found_by_axe(site / page, AXE, dark=dark)
    assert [fault for fault in found if fault.startswith(("serious", "critical"))] == []


@needs_browser
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed")
def test_axe_sees_a_fault_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text('<html><body><img src="x.png"><a href="y"></a></body></html>')
    assert any(
        fault.startswith(("serious", "critical")) for fault in found_by_axe(tmp_path / "bad.html", AXE, dark=False)
    )
