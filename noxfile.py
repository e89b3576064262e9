# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks: `nox -l`. What antsibull-nox brings is set up in antsibull-nox.toml, what it cannot do is here."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests" / "ci"))

import ansible_test  # these are found through the path set above
import machine
import side_by_side
import tarball

COVERAGE_FLOOR = 95
DOCS = machine.ROOT / "build" / "docs"
WITHOUT_PROXY = {name: None for proxy in machine.PROXIES for name in (proxy, proxy.upper())}

machine.prepare()
nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["test"]
antsibull_nox.load_antsibull_nox_toml()


def install(session: nox.Session, lock: str) -> None:
    session.install("--require-hashes", "-r", f"{machine.LOCKS / lock}.txt")


def collections(tree: Path) -> dict[str, str]:
    return {"ANSIBLE_COLLECTIONS_PATH": str(tree.parents[2])}


def tree_of(session: nox.Session) -> str:
    return f"{machine.CACHE}/trees/{session.name}/collections"


def pytest(session: nox.Session, *arguments: str, **variables: str) -> None:
    """Run pytest in a copy of the tree; when all tests are meant, see that they ran."""
    install(session, "tests")
    session.chdir(machine.copy_tree(session.name))
    report = machine.CACHE / f"junit-{session.name}.xml"
    options = ["-p", "no:cacheprovider", "--import-mode=importlib", "-q", "-ra", f"--junitxml={report}"]
    session.run("python", "-m", "pytest", *options, *(session.posargs or arguments), env={**WITHOUT_PROXY, **variables})
    if not session.posargs:
        ansible_test.count_cases(session, report)


@nox.session
def unit(session: nox.Session) -> None:
    """Unit tests, quickly: arguments behind `--` go to pytest."""
    pytest(session, "-n", "auto", "tests/unit", PYTHONPATH=tree_of(session))


@nox.session
def coverage(session: nox.Session) -> None:
    """Unit tests with the coverage of plugins/ by line and branch."""
    options = ["--cov", "--cov-config=tests/ci/coverage.ini", "--cov-report=term-missing:skip-covered"]
    pytest(
        session, "-n", "2", f"--cov-fail-under={COVERAGE_FLOOR}", *options, "tests/unit", PYTHONPATH=tree_of(session)
    )
    total = session.run("coverage", "report", "--rcfile=tests/ci/coverage.ini", "--format=total", silent=True)
    session.log(f"fact: coverage of plugins/ by line and branch {str(total).strip()} %")


@nox.session
def e2e(session: nox.Session) -> None:
    """End-to-end tests: the built tarball, installed, under the real ansible-playbook against the emulator."""
    pytest(session, "-n", "2", "tests/e2e")


@nox.session
def demo(session: nox.Session) -> None:
    """See the collection at work, without an account: emulator, ad-hoc commands, a preflight play."""
    install(session, ansible_test.NEWEST.lock)
    installed = tarball.install(session)
    session.run(
        "bash", "tests/ci/demo.sh", env={**WITHOUT_PROXY, "ANSIBLE_COLLECTIONS_PATH": str(installed)}, external=True
    )


@nox.session
def examples(session: nox.Session) -> None:
    """The EXAMPLES of every plugin as playbooks: read by ansible-playbook, options checked by ansible-lint."""
    install(session, "lint")
    tree = machine.copy_tree(session.name)
    session.chdir(tree)
    playbooks = []
    for kind, folder in (("module", "modules"), ("filter", "filter"), ("test", "test")):
        names = sorted({f"{machine.COLLECTION}.{path.stem}" for path in (tree / "plugins" / folder).glob("[a-z]*.*")})
        output = str(session.run("ansible-doc", "-t", kind, "--json", *names, env=collections(tree), silent=True))
        for name, told in json.loads(output[output.index("{\n") :]).items():
            text = told["examples"].strip().removeprefix("---").strip("\n")
            if not re.search(r"^[ -] hosts:", text, re.MULTILINE):  # tasks, not plays
                head = f"- name: Examples of {name}\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
                text = head + textwrap.indent(text, "    ")
            playbooks.append(f"playbooks/{kind}-{name}.yml")
            Path(playbooks[-1]).write_text(f"---\n{text}\n")
    session.run("ansible-playbook", "--syntax-check", *playbooks, env=collections(tree))
    # How they are written as YAML is looked at in the plugins; here they are indented deeper.
    lint = ["ansible-lint", "--offline", "--strict", "--nocolor", "-x", "yaml", *playbooks]
    if "Invalid value (None)" in str(session.run(*lint, env=collections(tree), silent=True)):
        session.error("the collection was not found, so options were not checked")
    session.log(f"fact: {len(playbooks)} playbooks")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, without a warning and without network: build/docs/index.html; and the changelog."""
    install(session, "docs")
    tree, site = machine.copy_tree(session.name), machine.CACHE / "site"
    with session.chdir(tree):
        for command in (["lint"], ["lint-changelog-yaml", "changelogs/changelog.yaml"], ["generate"]):
            session.run("antsibull-changelog", *command, env=collections(tree))
    if (tree / "CHANGELOG.rst").read_text() != (machine.ROOT / "CHANGELOG.rst").read_text():
        session.error("CHANGELOG.rst differs: run antsibull-changelog generate")
    shutil.rmtree(site, ignore_errors=True)
    for folder in (site, site / "rst"):  # antsibull-docs writes only where no one else can
        folder.mkdir(mode=0o755)
    options = ["--use-current", "--squash-hierarchy", "--dest-dir"]
    session.chdir(site)
    session.run("antsibull-docs", "sphinx-init", "--lenient", *options, ".", machine.COLLECTION, env=collections(tree))
    # Each page says where the collection is and how to install it: here, from its tarball, not from Ansible Galaxy.
    settings = Path("antsibull-docs.cfg").read_text()
    for told, true in (
        ("https://galaxy.ansible.com/ui/repo/published/{namespace}/{name}/", "index.html"),
        ("install {namespace}.{name}", "install {namespace}-{name}-*.tar.gz"),
    ):
        if settings.count(told) != 1:
            session.error(f"antsibull-docs no longer writes {told} into antsibull-docs.cfg")
        settings = settings.replace(told, true)
    Path("antsibull-docs.cfg").write_text(settings)
    pages = ["--config-file", "antsibull-docs.cfg", "collection", "--cleanup", "everything", *options, "rst"]
    session.run("antsibull-docs", *pages, machine.COLLECTION, env=collections(tree))
    # It knows variables of configuration entries only and says that there are none; ours are options of modules.
    Path("rst/environment_variables.rst").unlink()
    own = tree / "tests" / "ci" / "docs_site"
    with Path("conf.py").open("a") as conf:
        conf.write((own / "settings.py").read_text())
    shutil.copy(own / "elsewhere.rst", "rst")
    Path("static").mkdir()
    shutil.copy(own / "site.css", "static")
    session.run(*"sphinx-build -M html rst build -c . -q -W --keep-going".split())
    shutil.rmtree(DOCS, ignore_errors=True)
    shutil.copytree("build/html", DOCS)
    modules = [path.stem for path in (tree / "plugins" / "modules").glob("[a-z]*.py")]
    missing = [name for name in modules if not (DOCS / f"{name}_module.html").is_file()]
    if missing or not modules:
        session.error(f"no page for {missing or 'any module'}")
    session.log(f"fact: {len(list(DOCS.rglob('*.html')))} pages, build/docs/index.html")


@nox.session(name="execution-environment")
def execution_environment(session: nox.Session) -> None:
    """What ansible-builder reads out of the installed collection for an execution environment."""
    install(session, "package")
    installed = tarball.install(session)
    output = str(session.run("ansible-builder", "introspect", str(installed), silent=True))
    wanted = re.findall(r"^([a-z][^#\s]*)", (machine.ROOT / "requirements.txt").read_text(), re.MULTILINE)
    unseen = [
        name
        for name in wanted
        if not re.search(rf"{re.escape(name)}['\"]?\s+# from collection {machine.COLLECTION}", output)
    ]
    if unseen or not wanted:
        session.error(f"ansible-builder does not see {unseen or 'any requirement'}")
    session.log(f"fact: {', '.join(wanted)}")


def add(name: str, python: str | None, description: str, body: Callable[..., None], *arguments: object) -> str:
    def run(session: nox.Session) -> None:
        body(session, *arguments)

    run.__doc__ = description
    nox.session(name=name, python=python)(run)
    return name


def use_tarball(session: nox.Session, core: ansible_test.Core) -> None:
    install(session, core.lock)
    tarball.check_contents(session)
    tarball.use(session)


MATRIX: list[str] = []
for core in ansible_test.RUNNABLE:
    first, label = core.here[0], f"ansible-core {core.line}"
    MATRIX.append(add(f"sanity-{core.line}", first, f"ansible-test sanity of {label}", ansible_test.sanity, core))
    for python in (*core.here, *({ansible_test.OLDEST_TARGET} & machine.pythons().keys())):
        control = python if python in core.here else first
        for body in (ansible_test.units, ansible_test.integration):
            what = f"{body.__name__}-{core.line}-{python}"
            MATRIX.append(
                add(what, control, f"ansible-test {body.__name__} of {label} on Python {python}", body, core, python)
            )
    add(f"tarball-{core.line}", first, f"The tarball's contents, and how it is used under {label}", use_tarball, core)

LINT = ["formatters", "codeqa", "yamllint", "typing", "antsibull-nox-config", "license-check", "extra-checks"]
LINT += ["ansible-lint", "examples"]
newest, oldest = ansible_test.NEWEST, ansible_test.FLOOR
# The longest first: a long one that starts last would run alone.
TEST = ["e2e", f"sanity-{newest.line}", f"sanity-{oldest.line}", "coverage"]
TEST += [name for name in MATRIX if name in (f"units-{newest.line}-3.9", f"integration-{newest.line}-3.9")]
TEST += [f"integration-{core.line}-{core.here[0]}" for core in (newest, oldest)]
TEST += ["demo", "build-import-check", "docs", "docs-check", *(f"tarball-{core.line}" for core in (newest, oldest))]
TEST += [*LINT, "execution-environment"]


@nox.session(python=False)
def test(session: nox.Session) -> None:
    """All that CI runs, two sessions at a time (JOBS=2); names of some behind `--`."""
    side_by_side.run(session, list(dict.fromkeys(session.posargs or TEST)), ansible_test.not_run_here())


@nox.session(python=False)
def quick(session: nox.Session) -> None:
    """Style, types, licences, ansible-lint, the examples: what `make lint` runs."""
    side_by_side.run(session, LINT)


@nox.session(python=False)
def matrix(session: nox.Session) -> None:
    """Every ansible-core from the oldest supported on, with every Python found; lines such as 2.16 behind `--`."""
    lines = session.posargs or [core.line for core in ansible_test.RUNNABLE]
    side_by_side.run(session, [name for name in MATRIX if name.split("-")[1] in lines])


@nox.session(python=["3.11" if "3.11" in machine.pythons() else ansible_test.NEWEST.here[0]])
def bench(session: nox.Session) -> None:
    """How fast it is: requests and seconds against the emulator, beside its peers; options behind `--`."""
    install(session, "bench")
    work = machine.CACHE / "bench"
    variables = collections(machine.copy_tree(session.name)) | {"BENCH_WORK": str(work)}
    work.mkdir(parents=True, exist_ok=True)
    # An installed Python compiles its libraries once; what a module imports must not be compiled anew in each run.
    session.run(
        "python", "tests/bench/program.py", *session.posargs, env={**variables, "PYTHONDONTWRITEBYTECODE": None}
    )


@nox.session
def mutate(session: nox.Session) -> None:
    """Whether the tests notice when the code is broken; options behind `--`."""
    install(session, "mutation")
    session.run("python", "tests/mutation/run.py", *session.posargs)


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Write the pinned requirement files anew; `--upgrade` behind `--` takes the newest versions."""
    for source in sorted(machine.LOCKS.glob("*.in")):
        # The oldest Python that these tools are run with decides what the file may hold.
        core = next((core for core in ansible_test.CORES if core.lock == source.stem), None)
        oldest_python = min(core.controls, key=lambda version: int(version[2:])) if core else "3.11"
        if source.stem.startswith("pip-"):
            oldest_python = ansible_test.OLDEST_TARGET
        command = (
            "uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version".split()
        )
        session.run(*command, oldest_python, *session.posargs, str(source), "-o", str(source.with_suffix(".txt")))
