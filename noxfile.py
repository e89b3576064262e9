# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks: `nox -l`. What antsibull-nox brings is set up in antsibull-nox.toml, what it cannot do is here."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests" / "ci"))

import ansible_test  # these are found through the path set above
import machine
import side_by_side

newest, floor = ansible_test.NEWEST, ansible_test.FLOOR
# What a working checkout is littered with; none of it may get in.
LITTER = """
    .cache/x .venv/x .nox/x .mypy_cache/x.json build/docs/index.html hwcloud-streaming-0.0.1.tar.gz tests/output/x
    plugins/modules/__pycache__/x.pyc tests/integration/inventory tests/unit/.pytest_cache/x
""".split()
PYTEST = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
WITHOUT_PROXY = {name: None for name in os.environ if name.lower().endswith("_proxy")}

machine.prepare()
nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["test"]
antsibull_nox.load_antsibull_nox_toml()


def collections(tree: Path) -> dict[str, str]:
    return {"ANSIBLE_COLLECTIONS_PATH": str(tree.parents[2])}


def pytest(session: nox.Session, *arguments: str, **variables: str) -> None:
    """Run pytest in a copy of the tree; when all tests are meant, see that they ran."""
    machine.install(session, "tests")
    tree, report = machine.copy_tree(session.name), machine.CACHE / f"junit-{session.name}.xml"
    session.chdir(tree)
    command = ["python", "-m", "pytest", *PYTEST, "-ra", f"--junitxml={report}", *(session.posargs or arguments)]
    session.run(*command, env={**WITHOUT_PROXY, "PYTHONPATH": str(tree.parents[2]), **variables})
    if not session.posargs:
        ansible_test.count_cases(session, report)


def build(session: nox.Session, litter: bool = False) -> Path:
    """Build the tarball from a clean copy of the tree, or from a littered one."""
    tree = machine.copy_tree(session.name)
    for path in LITTER if litter else ():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("litter\n")
    output = machine.CACHE / "dist" / f"{session.name}{'-littered' if litter else ''}"
    shutil.rmtree(output, ignore_errors=True)
    with session.chdir(tree):
        session.run("ansible-galaxy", "collection", "build", "--output-path", str(output))
    return next(output.glob("*.tar.gz"))


def install(session: nox.Session) -> dict[str, str]:
    """Build the collection and install it into a folder that was empty; returns the variable by which Ansible finds it."""
    folder = machine.CACHE / "installed" / session.name
    shutil.rmtree(folder, ignore_errors=True)
    # Without ANSIBLE_COLLECTIONS_PATH one that is installed elsewhere counts, and nothing is done.
    command = ["ansible-galaxy", "collection", "install", str(build(session)), "-p", str(folder), "--offline"]
    session.run(*command, env={"ANSIBLE_COLLECTIONS_PATH": str(folder)})
    return {"ANSIBLE_COLLECTIONS_PATH": str(folder)}


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        streams = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in streams.items() if stream is not None}


@nox.session
def unit(session: nox.Session) -> None:
    """Unit tests, quickly: arguments behind `--` go to pytest."""
    pytest(session, "-n", "auto", "tests/unit")


@nox.session
def coverage(session: nox.Session) -> None:
    """Unit tests with the coverage of plugins/ by line and branch."""
    report = "--cov-report=term-missing:skip-covered"
    pytest(session, "-n", "2", "--cov", "--cov-config=tests/ci/coverage.ini", report, "tests/unit")
    total = session.run("coverage", "report", "--rcfile=tests/ci/coverage.ini", "--format=total", silent=True)
    session.log(f"fact: coverage of plugins/ by line and branch {str(total).strip()} %")


@nox.session
def e2e(session: nox.Session) -> None:
    """End-to-end tests: the built tarball, installed, under the real ansible-playbook against the emulator."""
    variables = {}
    if shutil.which("java"):  # ansible-rulebook in an environment of its own, for the event source
        venv = session.env_dir.resolve() / "rulebook"
        session.run("uv", "venv", "--quiet", "--allow-existing", str(venv))
        session.run("uv", "pip", "install", "--require-hashes", "--python", str(venv), "-r", f"{machine.LOCKS}/eda.txt")
        variables["ANSIBLE_RULEBOOK"] = str(venv / "bin" / "ansible-rulebook")
    pytest(session, "-n", "3", "tests/e2e", **variables)  # one of them waits most of the time


@nox.session
def guides(session: nox.Session) -> None:
    """Write what the guides print anew, and the report's picture, into this checkout; look at the diff afterwards."""
    machine.install(session, "tests")
    tests = ["-k", "works or picture", "tests/e2e/test_guides.py", "tests/e2e/test_report.py"]
    variables = {**WITHOUT_PROXY, "WRITE_GUIDES": "1", "WRITE_PICTURES": "1"}
    session.run("python", "-m", "pytest", *PYTEST, *tests, env=variables)


@nox.session
def demo(session: nox.Session) -> None:
    """See the collection at work, without an account: emulator, ad-hoc commands, a preflight play."""
    machine.install(session, f"core-{newest.line}")
    session.run("bash", "tests/demo/demo.sh", env={**WITHOUT_PROXY, **install(session)}, external=True)


@nox.session
def examples(session: nox.Session) -> None:
    """The EXAMPLES of every plugin under ansible-lint, as files of tasks; the end-to-end tests run them."""
    machine.install(session, "lint")
    tree = machine.copy_tree(session.name)
    session.chdir(tree)
    tasks = Path("tasks")
    tasks.mkdir()
    for name, told in machine.documentation(session, collections(tree)).items():
        (tasks / f"{name}.yml").write_text(f"---\n{told['examples'].strip()}\n")
    # One that is wrong: there is but that to find. That module has an action plugin, which ansible-lint could stop at.
    wrong = "---\n- name: Wrong\n  hwcloud.streaming.dms_sink_task_info:\n    topic_infos: true\n"
    (tasks / "wrong.yml").write_text(wrong)
    command = ["ansible-lint", "--offline", "--strict", "--nocolor", "tasks"]
    told = str(session.run(*command, env=collections(tree), success_codes=[2], silent=True))
    if "Failed: 1 failure(s), 0 warning(s)" not in told or "Unsupported parameters" not in told:
        session.error(told)
    session.log(f"fact: {len(list(tasks.iterdir())) - 1} files")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, without a warning and without network: build/docs/index.html; and the changelog."""
    machine.install(session, "docs")
    tree, site = machine.copy_tree(session.name), machine.CACHE / "site"
    with session.chdir(tree):
        for command in (["lint"], ["lint-changelog-yaml", "changelogs/changelog.yaml"], ["generate"]):
            session.run("antsibull-changelog", *command, env=collections(tree))
    if (tree / "CHANGELOG.rst").read_text() != (machine.ROOT / "CHANGELOG.rst").read_text():
        session.error("CHANGELOG.rst differs: run antsibull-changelog generate")
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(tree / "docs" / "site", site)
    for folder in (site, site / "rst"):  # antsibull-docs writes only where no one else can
        folder.chmod(0o755)
    # Every address that begins so is made up, and would become a button on each page.
    galaxy = tree / "galaxy.yml"
    galaxy.write_text(re.sub(r"^\w+: https://example\.com/.*\n", "", galaxy.read_text(), flags=re.MULTILINE))
    session.chdir(site)
    pages = ["--config-file", "antsibull-docs.cfg", "collection", "--use-current", "--squash-hierarchy"]
    session.run("antsibull-docs", *pages, "--dest-dir", "rst", machine.COLLECTION, env=collections(tree))
    # It knows variables of configuration entries only and says that there are none; ours are options of modules.
    Path("rst/environment_variables.rst").unlink()
    for picture in (*tree.glob("docs/docsite/rst/*.svg"), *tree.glob("docs/docsite/rst/*.png")):
        shutil.copy(picture, "rst/docsite")  # antsibull-docs copies texts only
    front, index, contents = Path("front.rst"), Path("rst/index.rst"), ".. contents::\n   :local:\n   :depth: 1\n"
    text = index.read_text()
    if text.count(contents) != 1:
        session.error(f"antsibull-docs no longer writes {contents!r} into {index}")
    text = text.replace(contents, front.read_text())
    # In the menu a plugin's name is enough.
    index.write_text(re.sub(r"^    (\w+)_(module|filter|test|role)$", r"    \1 <\1_\2>", text, flags=re.MULTILINE))
    session.run(*"sphinx-build -M html rst build -c . -q -W --keep-going".split())
    built = machine.ROOT / "build" / "docs"
    shutil.rmtree(built, ignore_errors=True)
    shutil.copytree("build/html", built)
    session.log(f"fact: {len(list(built.rglob('*.html')))} pages, build/docs/index.html")


@nox.session(python=floor.here[0])
def tarball(session: nox.Session) -> None:
    """The tarball: only what tarball_contents.txt allows, no litter, twice the same; installed and read by the oldest core."""
    machine.install(session, f"core-{floor.line}")
    first, second = (contents(build(session, litter)) for litter in (False, True))
    lines = (machine.ROOT / "tests" / "ci" / "tarball_contents.txt").read_text().splitlines()
    allowed = [line for line in lines if line and not line.startswith("#")]
    strange = [name for name in first if not any(fnmatch.fnmatch(name, pattern) for pattern in allowed)]
    missing = [name for name in allowed if "*" not in name and name not in first]
    differ = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    if strange or missing or differ:
        session.error(f"does not belong in the tarball: {strange}; missing: {missing}; differ in two builds: {differ}")
    installed = install(session)
    session.run("ansible-galaxy", "collection", "verify", machine.COLLECTION, "--offline", env=installed)
    if not all(told.get("examples") for told in machine.documentation(session, installed).values()):
        session.error("ansible-doc shows no examples for some plugin")
    session.log(f"fact: {len(first)} files")


@nox.session(name="execution-environment")
def execution_environment(session: nox.Session) -> None:
    """What ansible-builder reads out of the installed collection for an execution environment."""
    machine.install(session, "package")
    output = str(session.run("ansible-builder", "introspect", *install(session).values(), silent=True))
    wanted = re.findall(r"^[a-z][^#\s]*", (machine.ROOT / "requirements.txt").read_text(), re.MULTILINE)
    seen = re.findall(rf"([^\s'\"]+)['\"]?\s+# from collection {machine.COLLECTION}", output)
    if not wanted or seen != wanted:
        session.error(f"ansible-builder sees {seen}, not {wanted}")
    session.log(f"fact: {', '.join(wanted)}")


def add(name: str, python: str, description: str, body: Callable[..., None], *arguments: object) -> None:
    def run(session: nox.Session) -> None:
        body(session, *arguments)

    run.__doc__ = description
    nox.session(name=name, python=python)(run)
    ANSIBLE_TEST.append(name)


ANSIBLE_TEST: list[str] = []
for core in ansible_test.RUNNABLE:
    first, label = core.here[0], f"ansible-core {core.line}"
    add(f"sanity-{core.line}", first, f"ansible-test sanity of {label}", ansible_test.sanity, core)
    for python in (*core.here, *({ansible_test.OLDEST_TARGET} & machine.pythons().keys())):
        for body in (ansible_test.units, ansible_test.integration):
            what, control = body.__name__, python if python in core.here else first
            description = f"ansible-test {what} of {label} on Python {python}"
            add(f"{what}-{core.line}-{python}", control, description, body, core, python)

LINT = ["typing", "ansible-lint", "examples", "codeqa", "yamllint", "license-check", "formatters", "extra-checks"]
# The longest first: a long one that starts last would run alone. {0} is the newest ansible-core, {1} the oldest.
TEST = "e2e sanity-{0} units-{0}-3.9 coverage sanity-{1} integration-{0}-3.9 integration-{0}-{2} integration-{1}-{3}"
TEST += " demo build-import-check docs docs-check tarball execution-environment antsibull-nox-config"


@nox.session(python=False)
def test(session: nox.Session) -> None:
    """All that CI runs, two sessions at a time (JOBS=2); names of some behind `--`."""
    all_names = TEST.format(newest.line, floor.line, newest.here[0], floor.here[0]).split() + LINT
    here = [name for name in all_names if ansible_test.OLDEST_TARGET in machine.pythons() or not name.endswith("-3.9")]
    side_by_side.run(session, session.posargs or list(dict.fromkeys(here)), ansible_test.NOT_RUN_HERE)


@nox.session(python=False)
def quick(session: nox.Session) -> None:
    """Style, types, licences, ansible-lint, the examples: what `make lint` runs."""
    side_by_side.run(session, LINT)


@nox.session(python=False)
def matrix(session: nox.Session) -> None:
    """Every ansible-core from the oldest supported on, with every Python found; lines such as 2.16 behind `--`."""
    lines = session.posargs or [core.line for core in ansible_test.RUNNABLE]
    side_by_side.run(session, [name for name in ANSIBLE_TEST if name.split("-")[1] in lines])


@nox.session(python=["3.11" if "3.11" in machine.pythons() else newest.here[0]])
def bench(session: nox.Session) -> None:
    """How fast it is: requests and seconds against the emulator, beside its peers; options behind `--`."""
    machine.install(session, "bench")
    variables = {"BENCH_WORK": str(machine.CACHE / "bench"), **collections(machine.copy_tree(session.name))}
    session.run("python", "tests/bench/program.py", *session.posargs, env=variables)


@nox.session
def mutate(session: nox.Session) -> None:
    """Whether the tests notice when the code is broken; options behind `--`."""
    machine.install(session, "mutation")
    session.run("python", "tests/mutation/run.py", *session.posargs)


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Write the pinned requirement files anew; `--upgrade` behind `--` takes the newest versions."""
    # The oldest Python that these tools are run with decides what a file may hold.
    oldest = {f"core-{core.line}": min(core.controls, key=lambda name: int(name[2:])) for core in ansible_test.CORES}
    options = ["--quiet", "--universal", "--generate-hashes", "--no-annotate", "--no-header", *session.posargs]
    for source in sorted(machine.LOCKS.glob("*.in")):
        where = [str(source), "-o", str(source.with_suffix(".txt"))]
        session.run("uv", "pip", "compile", *options, "--python-version", oldest.get(source.stem, "3.11"), *where)
