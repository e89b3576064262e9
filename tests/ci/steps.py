# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of `make test` beside ansible-test: own tests, style and types, lint, documentation, the built tarball."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tarball
import workspace
from ansible_cores import FLOOR, newest
from job import Job, Lane, Step
from workspace import CACHE, COLLECTION, Command

COVERAGE_FLOOR = 95
TOOL_PYTHONS = ("3.13", "3.12", "3.11", "3.14")
DOCS = workspace.ROOT / "build" / "docs"


def tool_python() -> str:
    """The Python for tools whose version of it does not matter."""
    for version in TOOL_PYTHONS:
        if version in workspace.pythons():
            return version
    raise workspace.Missing(f"None of the Pythons {', '.join(TOOL_PYTHONS)} was found.")


def tool(lock: str) -> tuple[Path, dict[str, str]]:
    """The bin folder of a tool's virtual environment, and an environment with it on PATH and a HOME of its own."""
    bins = workspace.make_venv(lock, tool_python())
    return bins, workspace.clean_environment(CACHE / "ci" / "homes" / lock, bins)


def collections_root(tree: Path) -> Path:
    """The folder that ANSIBLE_COLLECTIONS_PATH names for a copy of the tree (or for an installed collection)."""
    return tree.parents[2]


def run_pytest(job: Job, tree: Path, folder: str, environment: Mapping[str, str], *options: str) -> None:
    """pytest on a folder; no test skipped, and its closing line in the report."""
    bins = tool("tests")[0]
    command: Command = [
        bins / "python",
        "-m",
        "pytest",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        "-ra",
        *options,
    ]
    output = job.run([*command, folder], cwd=tree, environment=environment)
    closing = [line.strip("= ") for line in output.splitlines() if re.search(r"\d+ passed", line)]
    job.require(bool(closing), "no test ran")
    job.facts.append(closing[-1])
    job.refuse(r"\b[1-9]\d* (skipped|xfailed|xpassed|deselected)\b", closing[-1], "not every test ran")


def unit_tests(job: Job) -> None:
    environment = tool("tests")[1]
    tree = workspace.copy_tree("unit")
    environment |= {"PYTHONPATH": str(collections_root(tree)), "COVERAGE_FILE": str(CACHE / "ci" / "coverage")}
    settings = ["--cov", "--cov-config=tests/ci/coverage.ini", f"--cov-fail-under={COVERAGE_FLOOR}"]
    run_pytest(job, tree, "tests/unit", environment, *settings, "--cov-report=term-missing:skip-covered")
    total = re.findall(r"^TOTAL .* (\d+(?:\.\d+)?%)$", job.log.read_text(), re.MULTILINE)
    job.require(bool(total), "coverage was not measured")
    job.facts.append(f"coverage of plugins/ by line and branch {total[-1]}")


def end_to_end_tests(job: Job) -> None:
    """They build the collection and install its tarball themselves, as a user would."""
    run_pytest(job, workspace.copy_tree("e2e"), "tests/e2e", tool("tests")[1], "-n", "2")


def ruff_check(job: Job) -> None:
    bins, environment = tool("static")
    tree = workspace.copy_tree("static")
    job.run([bins / "ruff", "check", "."], cwd=tree, environment=environment)


def ruff_format(job: Job) -> None:
    bins, environment = tool("static")
    tree = workspace.copy_tree("static")
    output = job.run([bins / "ruff", "format", "--check", "."], cwd=tree, environment=environment)
    job.facts += re.findall(r"\d+ files?", output)[-1:]


def types(job: Job) -> None:
    bins, environment = tool("static")
    tree = workspace.copy_tree("static")
    mypy: Command = [bins / "mypy", "--config-file", "mypy.ini"]
    name = f"ansible_collections.{COLLECTION}"
    paths = {"MYPYPATH": str(collections_root(tree))}
    packages = ["-p", f"{name}.plugins", "-p", f"{name}.tests.emulator"]
    output = job.run([*mypy, *packages], cwd=tree, environment=environment | paths)
    job.facts += re.findall(r"\d+ source files", output)
    environment |= {"MYPYPATH": str(tree / "tests" / "ci")}
    programs = sorted((tree / "tests" / "ci").glob("*.py"))
    output = job.run([*mypy, *programs], cwd=tree, environment=environment)
    job.facts += [f"{found} of the checks" for found in re.findall(r"\d+ source files", output)]


def licences(job: Job) -> None:
    bins, environment = tool("static")
    tree = workspace.copy_tree("static")
    output = job.run([bins / "reuse", "--root", tree, "lint"], cwd=tree, environment=environment)
    job.facts += re.findall(r"Files with license information: (\d+ / \d+)", output)


def yaml_files(job: Job) -> None:
    bins, environment = tool("static")
    tree = workspace.copy_tree("static")
    job.run([bins / "yamllint", "--strict", "."], cwd=tree, environment=environment)


def ansible_lint(job: Job) -> None:
    bins, environment = tool("lint")
    tree = workspace.copy_tree("lint")
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections_root(tree))}
    output = job.run([bins / "ansible-lint", "--offline", "--strict", "--nocolor"], cwd=tree, environment=environment)
    job.refuse(r"Invalid value \(None\)", output, "the collection was not found, so options were not checked")
    job.facts += re.findall(r"Last profile that met the validation criteria was '(\w+)'", output)
    job.facts += re.findall(r"\d+ files", output)[-1:]


def examples(job: Job) -> None:
    """The EXAMPLES of every plugin as playbooks: read by ansible-playbook, options checked by ansible-lint."""
    bins, environment = tool("lint")
    tree = workspace.copy_tree("examples")
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections_root(tree))}
    folder = tree / "playbooks" / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    program = workspace.ROOT / "tests" / "ci" / "write_examples.py"
    job.run([bins / "python", program, COLLECTION, folder], cwd=tree, environment=environment)
    playbooks = sorted(folder.glob("*.yml"))
    plugins = [path for kind in ("modules", "filter", "test") for path in (tree / "plugins" / kind).glob("[a-z]*.py")]
    job.require(len(playbooks) >= len(plugins) > 0, f"{len(plugins)} plugins, {len(playbooks)} of them with examples")
    job.run([bins / "ansible-playbook", "--syntax-check", *playbooks], cwd=tree, environment=environment)
    # How they are written as YAML is looked at in the plugins; here they are indented deeper.
    lint: Command = [bins / "ansible-lint", "--offline", "--strict", "--nocolor", "-x", "yaml", *playbooks]
    output = job.run(lint, cwd=tree, environment=environment)
    job.refuse(r"Invalid value \(None\)", output, "the collection was not found, so options were not checked")
    job.facts.append(f"{len(playbooks)} playbooks")


def docs_lint(job: Job) -> None:
    bins, environment = tool("docs")
    tree = workspace.copy_tree("docs")
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections_root(tree))}
    options = ["--plugin-docs", "--validate-collection-refs", "self", "--check-extra-docs-refs"]
    job.run([bins / "antsibull-docs", "lint-collection-docs", *options, "."], cwd=tree, environment=environment)


def changelog(job: Job) -> None:
    """The fragments are well formed, and the changelog is what they say."""
    bins, environment = tool("docs")
    tree = workspace.copy_tree("docs")
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections_root(tree))}
    for command in (["lint"], ["lint-changelog-yaml", "changelogs/changelog.yaml"], ["generate"]):
        job.run([bins / "antsibull-changelog", *command], cwd=tree, environment=environment)
    written, generated = workspace.ROOT / "CHANGELOG.rst", tree / "CHANGELOG.rst"
    job.require(written.read_text() == generated.read_text(), "CHANGELOG.rst differs: run antsibull-changelog generate")


def docs_site(job: Job) -> None:
    """The pages of modules, plugins and guides as a site in build/docs, without a warning and without network."""
    bins, environment = tool("docs")
    tree = workspace.copy_tree("docs")
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections_root(tree))}
    # Every address that begins so is made up, and becomes a button on each page.
    galaxy = tree / "galaxy.yml"
    galaxy.write_text(re.sub(r"^\w+: https://example\.com/.*\n", "", galaxy.read_text(), flags=re.MULTILINE))
    site = CACHE / "ci" / "site"
    shutil.rmtree(site, ignore_errors=True)
    for folder in (site, site / "rst"):  # antsibull-docs writes only where no one else can
        folder.mkdir(mode=0o755)
    init: Command = ["sphinx-init", "--use-current", "--lenient", "--squash-hierarchy", "--dest-dir", site, COLLECTION]
    job.run([bins / "antsibull-docs", *init], cwd=tree, environment=environment)
    _as_tarball(job, site / "antsibull-docs.cfg")
    pages = ["--config-file", "antsibull-docs.cfg", "collection", "--cleanup", "everything", "--use-current"]
    pages += ["--squash-hierarchy", "--dest-dir", "rst", COLLECTION]
    job.run([bins / "antsibull-docs", *pages], cwd=site, environment=environment)
    # It knows variables of configuration entries only and says that there are none; ours are options of modules, and the
    # guide on authentication has their table.
    (site / "rst" / "environment_variables.rst").unlink()
    own = tree / "tests" / "ci" / "docs_site"
    for pattern in ("*.svg", "*.png"):  # it copies texts only
        for picture in (tree / "docs" / "docsite" / "rst").glob(pattern):
            shutil.copy(picture, site / "rst" / "docsite")
    index = site / "rst" / "index.rst"
    _put(job, index, {".. contents::\n   :local:\n   :depth: 1\n": (own / "front.rst").read_text()})
    # In the menu a plugin's name is enough.
    named = re.sub(r"^    (\w+)_(module|filter|test|role)$", r"    \1 <\1_\2>", index.read_text(), flags=re.MULTILINE)
    index.write_text(named)
    with (site / "conf.py").open("a") as settings:
        settings.write((own / "settings.py").read_text())
    shutil.copy(own / "elsewhere.rst", site / "rst")
    (site / "static").mkdir()
    shutil.copy(own / "site.css", site / "static")
    build: Command = [bins / "sphinx-build", "-M", "html", "rst", "build", "-c", ".", "-q", "-W", "--keep-going"]
    job.run(build, cwd=site, environment=environment)
    with workspace.locked("docs"):
        shutil.rmtree(DOCS, ignore_errors=True)
        shutil.copytree(site / "build" / "html", DOCS)
    made = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.html")}
    modules = [path.stem for path in (tree / "plugins" / "modules").glob("[a-z]*.py")]
    missing = [name for name in modules if f"{name}_module.html" not in made]
    job.require(bool(modules) and not missing, f"no page for {missing or 'any module'}")
    job.facts += [f"{len(made)} pages", f"{(DOCS / 'index.html').relative_to(workspace.ROOT)}"]


def _as_tarball(job: Job, settings: Path) -> None:
    """Each page says where the collection is and how to install it: here, from its tarball, not from Ansible Galaxy."""
    address = {"https://galaxy.ansible.com/ui/repo/published/{namespace}/{name}/": "index.html"}
    _put(job, settings, {**address, "install {namespace}.{name}": "install {namespace}-{name}-*.tar.gz"})


def _put(job: Job, path: Path, instead: dict[str, str]) -> None:
    """Put texts in the place of those that antsibull-docs writes."""
    text = path.read_text()
    for told, ours in instead.items():
        job.require(text.count(told) == 1, f"antsibull-docs no longer writes {told} into {path.name}")
        text = text.replace(told, ours)
    path.write_text(text)


def antsibull_nox(job: Job) -> None:
    bins, environment = tool("nox")
    tree = workspace.copy_tree("nox", keep=[".nox"])
    output = job.run([bins / "nox", "-e", "extra-checks"], cwd=tree, environment=environment)
    job.refuse(r"Skipping", output, "nothing was checked")
    job.require("action-groups" in output, "the check of the action groups did not run")


def execution_environment(job: Job) -> None:
    """What ansible-builder reads out of the installed collection for an execution environment."""
    bins, environment = tool("package")
    installed = tarball.install(job, "package")
    output = job.run([bins / "ansible-builder", "introspect", installed], cwd=CACHE, environment=environment)
    wanted = re.findall(r"^([a-z][^#\s]*)", (workspace.ROOT / "requirements.txt").read_text(), re.MULTILINE)
    for requirement in wanted:
        found = re.search(rf"{re.escape(requirement)}['\"]?\s+# from collection {re.escape(COLLECTION)}", output)
        job.require(bool(found), f"ansible-builder does not see {requirement}")
    job.require(bool(wanted), "requirements.txt names nothing")
    job.facts += wanted


def demo(job: Job) -> None:
    """`make demo` as a user sees it; it leaves no process behind."""
    output = run_demo(job)
    for word in ("healthy", "preflight", "PLAY RECAP"):
        job.require(word in output, f"the demo shows no {word!r}")


def run_demo(job: Job) -> str:
    return job.run(["bash", "tests/ci/demo.sh"], cwd=workspace.ROOT, environment=demo_environment(job))


def demo_environment(job: Job) -> dict[str, str]:
    """ansible of the newest line and the collection, installed from its tarball: what demo.sh needs."""
    core = newest()
    bins = workspace.make_venv(f"core-{core.line}", core.available_controls[0])
    installed = tarball.install(job, "demo")
    environment = workspace.clean_environment(CACHE / "ci" / "homes" / "demo", bins)
    return environment | {"ANSIBLE_COLLECTIONS_PATH": str(installed)}


def lanes() -> list[Lane]:
    """Longest first, so that no lane is left to run alone at the end."""
    package = [
        Step("tarball: contents, reproducible", tarball.check),
        Step("tarball: galaxy-importer", tarball.importer),
        *(Step(f"tarball: installed under {core.line}", tarball.under(core)) for core in (newest(), FLOOR)),
        Step("execution environment", execution_environment),
        Step("demo", demo),
    ]
    unit = [Step("unit tests", unit_tests)]
    e2e = [Step("end-to-end tests", end_to_end_tests)]
    static = [
        Step("ruff check", ruff_check),
        Step("ruff format", ruff_format),
        Step("mypy --strict", types),
        Step("yamllint", yaml_files),
        Step("reuse lint", licences),
    ]
    lint = [Step("ansible-lint", ansible_lint), Step("ansible-lint on the examples", examples)]
    docs = [Step("docs lint", docs_lint), Step("changelog", changelog), Step("docs site", docs_site)]
    nox = [Step("antsibull-nox extra-checks", antsibull_nox)]
    return [
        Lane("e2e", e2e),
        Lane("package", package),
        Lane("unit", unit),
        Lane("docs", docs),
        Lane("lint", lint),
        Lane("static", static),
        Lane("nox", nox),
    ]


def lane(name: str) -> Lane:
    return next(lane for lane in lanes() if lane.name == name)


def unit_only(arguments: Sequence[str]) -> int:
    """The quick loop of `make unit`: pytest in the foreground, no coverage; the arguments go to pytest."""
    bins, environment = tool("tests")
    with workspace.locked("lane-quick"):
        tree = workspace.copy_tree("quick", keep=[".pytest_cache"])
        environment |= {"PYTHONPATH": str(collections_root(tree))}
        os.chdir(tree)
        command = [
            str(bins / "python"),
            "-m",
            "pytest",
            "--import-mode=importlib",
            *(arguments or ["-q", "-n", "auto", "tests/unit"]),
        ]
        return os.spawnve(os.P_WAIT, command[0], command, environment)
