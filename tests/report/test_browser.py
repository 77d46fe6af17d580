"""The page in a real browser, Debian's chromium: it opens, sorts, filters, links, shows code, downloads."""

import csv
import json
import os
import shutil
import time
from urllib.parse import unquote

import pytest

from record import files as results
from tests.axe import AXE
from tests.conftest import run_utils
from tests.made_up import grid_folder, measured

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and "CI" not in os.environ,  # in CI, nobody would notice that they are skipped
    reason="needs chromium and chromedriver (apt install chromium-driver)",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of all kinds of charts, in a folder with the results that it shows."""
    folder = measured(tmp_path_factory.mktemp("page"))
    grid_folder(folder)
    run_utils("report", "--results", folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from selenium import webdriver

    folder = tmp_path_factory.mktemp("chromium")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder}/profile",
    ):
        options.add_argument(argument)
    options.add_experimental_option(
        "prefs",
        {
            "download.default_directory": str(folder / "downloads"),
            "profile.default_content_setting_values.automatic_downloads": 1,  # several, without being asked
        },
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found, folder / "downloads"
    found.quit()


@pytest.fixture
def browser(chromium, page):
    """A browser that has forgotten what the test before did: a choice of dark or light, say, or a window's size."""
    found, _ = chromium
    found.get(page.as_uri())
    found.execute_script("localStorage.clear()")
    found.get("about:blank")
    found.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    found.get_log("browser"), found.get_log("performance")
    return found


def opened(browser, page, fragment="", width=1280):
    browser.set_window_size(width, 900)
    browser.get(f"{page.as_uri()}{fragment}")
    shown(browser, lambda: browser.execute_script("return document.querySelector('#shown').value"))
    return browser


def shown(browser, condition):
    """Waits until the page, whose scripts run when a busy machine lets them, has come to what is expected of it."""
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(browser, 300, poll_frequency=0.05).until(lambda _: condition())


def visible_rows(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('#rows tbody tr:not([hidden])')].map(row => row.cells[2].textContent)"
    )


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def test_it_opens_without_an_error_or_a_request(browser, page):
    opened(browser, page)
    charts = browser.execute_script("return document.querySelectorAll('figure').length")
    for number in range(charts):
        browser.execute_script("document.querySelectorAll('figure')[arguments[0]].scrollIntoView()", number)
        time.sleep(0.1)
    drawn = "return [...document.querySelectorAll('figure')].filter(f => f.querySelector('canvas, svg')).length"
    shown(browser, lambda: browser.execute_script(drawn) == charts > 4)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    # The browser's own pages, which it opens before ours, are none of ours.
    urls = {each["request"]["url"].partition(":")[0] for each in asked if each["documentURL"].startswith("file:")}
    assert "file" in urls
    assert urls <= {"file", "data", "blob"}


def test_rows_are_sorted_filtered_and_the_view_is_in_the_address(browser, page):
    opened(browser, page)
    everything = visible_rows(browser)
    click(browser, "th[data-field=one_shot_s] button")
    assert visible_rows(browser)[0] == "fork"
    click(browser, "th[data-field=one_shot_s] button")
    assert visible_rows(browser)[0] == "tasks"  # 9 s
    assert visible_rows(browser)[-1] in ("exit", "spawn, scatter")  # what is missing is last in either order
    browser.execute_script(
        "const chosen = document.querySelector('[name=library]'); chosen.value = 'ray';"
        "chosen.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert visible_rows(browser) == ["tasks", "naive: all", "tasks"]
    address = browser.current_url
    assert "library=ray" in unquote(address)
    assert "sort=-one_shot_s" in unquote(address)
    click(browser, "nav a[href='#questions']")  # a link to a place in the page leaves the view as it is
    time.sleep(0.2)  # for what should not happen
    click(browser, "th[data-field=copies] button")
    assert len(visible_rows(browser)) == 3
    assert "library=ray" in unquote(browser.current_url)
    browser.get("about:blank")
    browser.get(address)
    shown(browser, lambda: visible_rows(browser) == ["tasks", "naive: all", "tasks"])
    click(browser, "#filters [type=reset]")
    shown(browser, lambda: visible_rows(browser) == everything)


def test_every_filter_filters(browser, page):
    opened(browser, page)
    for view, wanted in {
        "n_jobs=1": ["fork", "loop", "tasks"],
        "start_method=spawn": ["spawn, scatter"],
        "style=naive": ["naive: all"],
        "idiom=SPAWN": ["spawn, scatter"],
        "workload=numerical&library=mp&n_jobs=4": ["exit", "fork"],
    }.items():
        browser.execute_script("location.hash = arguments[0]", view)
        shown(browser, lambda wanted=wanted: sorted(visible_rows(browser)) == wanted)


def test_filters_leave_the_loop_and_act_on_charts(browser, page):
    opened(browser, page, "#n_jobs=4")
    assert "loop" in visible_rows(browser)
    names = """return [...document.querySelectorAll("#numerical-time [aria-roledescription=point]")]
        .map((point) => point.ariaLabel).join()"""
    shown(browser, lambda: "mp: fork" in browser.execute_script(names))
    browser.execute_script("location.hash = 'library=ray'")
    shown(browser, lambda: "mp: fork" not in browser.execute_script(names))
    assert "ray: tasks" in browser.execute_script(names)
    assert "serial: loop" in browser.execute_script(names)


def test_dark_and_light_are_remembered(browser, page):
    opened(browser, page)
    ground = "return getComputedStyle(document.body).backgroundColor"
    first = browser.execute_script(ground)
    click(browser, "#mode")
    second = browser.execute_script(ground)
    assert second != first
    browser.refresh()
    shown(browser, lambda: browser.execute_script(ground) == second)
    click(browser, "#mode")
    assert browser.execute_script(ground) == first


def test_a_table_is_one_stop_of_the_keyboard(browser, page):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(browser, page)
    assert browser.execute_script("return document.querySelectorAll('#rows tbody tr[tabindex=\"0\"]').length") == 1
    row = browser.find_element(By.CSS_SELECTOR, "#rows tbody tr[tabindex='0']")
    row.send_keys(Keys.ARROW_DOWN)
    place = "return [...document.querySelectorAll('#rows tbody tr')].indexOf(document.activeElement)"
    assert browser.execute_script(place) == 1
    coded = browser.find_element(By.CSS_SELECTOR, "#rows tbody tr[data-code]")
    coded.send_keys(Keys.SPACE)
    assert browser.execute_script("return document.querySelector('dialog').open")


@pytest.mark.skipif(
    not AXE.exists() and "CI" not in os.environ, reason="needs axe, which `make test` fetches where it can"
)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_no_barrier(browser, page, mode):
    opened(browser, page)
    if browser.execute_script("return document.documentElement.dataset.mode") != mode:
        click(browser, "#mode")
    every = "return [...document.querySelectorAll('figure')].every(f => f.querySelector('canvas, svg'))"
    shown(browser, lambda: browser.execute_script(every))
    browser.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    browser.execute_script(AXE.read_text("utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []


def test_a_row_shows_its_code(browser, page):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(browser, page, "#library=ray")
    browser.find_element(By.CSS_SELECTOR, "#rows tbody tr:not([hidden])[data-code]").send_keys(Keys.ENTER)
    assert browser.execute_script("const d = document.querySelector('dialog'); const o = d.open; d.close(); return o")
    click(browser, "#rows tbody tr:not([hidden])[data-code]")
    dialog = browser.execute_script("const d = document.querySelector('dialog'); return [d.open, d.innerText]")
    assert dialog[0] is True
    assert "def numerical_tasks(inputs, n_jobs):" in dialog[1]
    assert "benchmark_ray.py, numerical_tasks(), 2 lines of code" in dialog[1]


def test_what_is_shown_can_be_downloaded_and_all_trials(browser, chromium, page):
    _, downloads = chromium
    opened(browser, page, "#library=ray")
    for button in ("#download-rows", "[data-csv=trials]", "[data-csv=rounds]"):
        click(browser, button)
        time.sleep(0.5)
    shown(browser, lambda: {"matrix.csv", "trials.csv", "rounds.csv"} <= set(os.listdir(downloads)))
    rows = list(csv.DictReader((downloads / "matrix.csv").open()))
    assert [row["library"] for row in rows] == ["ray"] * 3
    assert float(rows[1]["one_shot_s"]) == pytest.approx(3.05)
    trials = list(csv.DictReader((downloads / "trials.csv").open()))
    stored = sum(len(results.load(path).runs[-1].trials) for path in page.parent.glob("*.p3"))
    assert len(trials) == stored
    rounds = list(csv.DictReader((downloads / "rounds.csv").open()))
    assert {row["workload"] for row in rounds} == {"grid"}


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(browser, page, width):
    opened(browser, page, width=width)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    for number in range(browser.execute_script("return document.querySelectorAll('figure').length")):
        browser.execute_script("document.querySelectorAll('figure')[arguments[0]].scrollIntoView()", number)
        time.sleep(0.1)
    widths = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1] == width
