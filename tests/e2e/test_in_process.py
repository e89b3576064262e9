# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules inside the worker process: when they are, what a user sees of it (nothing), and what happens when things go wrong.

What they return is held against the module process by the integration target in_process, on every ansible-core.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Ran, Site

INSIDE = "runs inside the worker process"
PROCESS = "runs as a module process: "
OFF = "hwcloud_streaming_in_process=false"
ONE = "hwcloud.streaming.dis_transfer_task_info: {stream_names: orders}"


def way(output: str) -> str:
    """Which way was taken, as -vvv says: the reason for a process, or nothing."""
    told = re.search(rf"{PROCESS}(.*)", output)
    if told:
        return told[1]
    assert INSIDE in output, output
    return ""


def play(task: str = ONE, *lines: str, hosts: str = "localhost", keywords: str = "") -> str:
    below = "".join(f"\n      {line}" for line in lines)
    return f"- hosts: {hosts}\n  gather_facts: false\n{keywords}  tasks:\n    - {task}{below}\n"


def plain(output: str) -> str:
    """An output without what differs from run to run."""
    output = re.sub(
        r'"(elapsed|[a-z_]*_age|[a-z_]*_offset|request_id|connections)": ("[^"]*"|[0-9.]+)', r'"\1"', output
    )
    output = re.sub(r"request ID [0-9a-f]+|\b\d+[dhms]( ?\d+[hms])?\b|\b20[0-9-]+T[0-9:.]+Z|\b\d{13}\b", "", output)
    return "\n".join(
        line for line in output.splitlines() if "hwcloud.streaming.dis_transfer_task_info runs" not in line
    )


WAYS: list[tuple[list[str], str]] = [
    ([], ""),
    (["check_mode: true"], ""),
    (["vars: {ansible_python_interpreter: auto}"], ""),
    (["vars: {ansible_python_interpreter: auto_legacy_silent}"], ""),
    (["vars: {ansible_python_interpreter: '{{ ansible_playbook_python | dirname }}/python3'}"], ""),
    (["vars: {hwcloud_streaming_in_process: 'yes'}"], ""),
    (["environment: {HW_AUTH_TOKEN: ExampleToken, https_proxy: '', NO_PROXY: 127.0.0.1, OS_CACERT: ''}"], ""),
    (["environment: {HUAWEICLOUD_ENTERPRISE_PROJECT_ID: '0', SSL_CERT_FILE: ''}"], ""),
    (["environment: [{HOME: /}, {LANG: C}]"], "environment sets HOME, LANG"),
    (["async: 30", "poll: 1"], "async"),
    (["become: true", "become_method: sudo"], "become"),
    (["vars: {hwcloud_streaming_in_process: false}"], "hwcloud_streaming_in_process is false"),
    (["vars: {ansible_python_interpreter: /usr/bin/no-such-python}"], "ansible_python_interpreter is /usr/bin/no"),
    (["vars: {ansible_connection: ssh, ansible_port: 1, ansible_host: 127.0.0.1}"], "the connection is ssh"),
]


def test_which_way_and_why(site: Site) -> None:
    """One play with a task for each; some of them cannot end well."""
    keywords = "  ignore_errors: true\n  ignore_unreachable: true\n"
    tasks = [f"    - {ONE}" + "".join(f"\n      {line}" for line in lines) for lines, _reason in WAYS]
    ran = site.play("\n".join([play(keywords=keywords).rstrip(), *tasks[1:], ""]), "-vvv")
    _before, *told = re.split(r"^TASK \[", ran.output.partition("\nPLAY RECAP")[0], flags=re.MULTILINE)
    for (lines, reason), output in zip(WAYS, told, strict=True):
        assert way(output).startswith(reason) if reason else way(output) == "", (lines, output)
        if reason == "" or reason.startswith(("hwcloud", "environment", "async")):
            assert re.search(r"^(ok|changed): ", output, re.MULTILINE), (lines, output)


@pytest.mark.parametrize(
    ("options", "variables", "reason"),
    [
        (["-e", OFF], {}, "hwcloud_streaming_in_process is false"),
        (["-e", "hwcloud_streaming_in_process=maybe"], {}, "hwcloud_streaming_in_process is 'maybe', which is neither"),
        ([], {"ANSIBLE_KEEP_REMOTE_FILES": "1"}, "remote files are kept"),
        ([], {"_ANSIBLE_ANSIBALLZ_DEBUGPY_CONFIG": "{}"}, "modules are debugged"),
    ],
)
def test_which_way_for_the_whole_run(site: Site, options: list[str], variables: dict[str, str], reason: str) -> None:
    ran = site.play(play(), "-vvv", *options, **variables)
    assert way(ran.output).startswith(reason), ran.output
    assert ran.status == 0 or "debugged" in reason, ran.output


def test_the_interpreter_of_the_configuration_counts(site: Site) -> None:
    inventory = site.folder / "hosts"
    inventory.write_text("here ansible_connection=local\n")
    told = site.play(play(hosts="here"), "-vvv", "-i", str(inventory))
    assert way(told.output) == ""
    assert told.status == 0, told.output
    told = site.play(play(hosts="here"), "-vvv", "-i", str(inventory), ANSIBLE_PYTHON_INTERPRETER="/usr/bin/no-python")
    assert way(told.output).startswith("ansible_python_interpreter is /usr/bin/no-python, not ")
    delegated = ["delegate_to: there", "vars: {ansible_connection: local}"]
    inventory.write_text("here ansible_connection=local\nthere ansible_python_interpreter=/usr/bin/no-python\n")
    told = site.play(play(ONE, *delegated, hosts="here"), "-vvv", "-i", str(inventory))
    assert way(told.output).startswith("ansible_python_interpreter is /usr/bin/no-python, not ")


CALLS = {
    "stream_names=orders,payments,nowhere max_age=15m": 0,
    "stream_names=orders,clicks states=ASLEEP": 0,
    "stream_names=orders auth_token=WrongTokenWrongToken": 2,
    "stream_names=orders no_such_option=1": 2,
    "stream_names=orders dis_endpoint=http://127.0.0.1:1 retries=0": 2,
}


def same(both: list[Ran], status: int) -> None:
    assert [ran.status for ran in both] == [status, status], both[0].output
    assert plain(both[0].output) == plain(both[1].output)


@pytest.mark.parametrize(("arguments", "status"), CALLS.items())
def test_a_user_sees_no_difference(site: Site, arguments: str, status: int) -> None:
    same([site.ask("dis_transfer_task_info", arguments, *options) for options in ([], ["-e", OFF])], status)


def test_a_user_sees_no_difference_in_a_play(site: Site) -> None:
    calls = [f"hwcloud.streaming.dis_transfer_task_info: {arguments}" for arguments in CALLS]
    text = play("\n    - ".join(calls), keywords="  ignore_errors: true\n")
    both = [site.play(text, *options) for options in ([], ["-e", OFF])]
    same(both, 0)
    assert "ignored=3" in both[0].output


def test_relative_paths_are_those_of_the_play_and_nothing_goes_into_the_log(site: Site) -> None:
    folder = site.folder / "deploy"
    folder.mkdir()
    keys = "[basic]\nak = AKEXAMPLE0000000000X\nsk = SKExample0000000000000000000000000000000\n"
    (folder / "keys.ini").write_text(keys)
    task = "hwcloud.streaming.dis_transfer_task_info:"
    (folder / "play.yml").write_text(play(task, "  credentials_file: keys.ini", "  auth_type: profile"))
    log = site.folder / "ansible.log"
    seen = []
    for options in ([], ["-e", OFF]):
        ran = site.run("ansible-playbook", "deploy/play.yml", "-vvv", *options, ANSIBLE_LOG_PATH=str(log))
        assert ran.status == 0, ran.output
        seen.append(way(ran.output))
    assert seen == ["", "hwcloud_streaming_in_process is false"]
    assert "urllib3" not in log.read_text()


# -- what goes wrong


@pytest.fixture
def fork(site: Site) -> Site:
    """A site whose collection is a copy that may be broken."""
    own = site.folder / "fork"
    shutil.copytree(site.installed, own)
    site.installed = own
    site.collection = own / "ansible_collections" / "hwcloud" / "streaming"
    site.environment["ANSIBLE_COLLECTIONS_PATH"] = str(own)
    return site


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("plugins/modules/dis_transfer_task_info.py", "def main(:\n", "invalid syntax"),
        ("plugins/modules/dis_transfer_task_info.py", "import no_such_module\n", "no_such_module"),
        ("plugins/module_utils/_shape.py", "raise RuntimeError('broken fork')\n", "RuntimeError in _shape.py line 3"),
        ("plugins/module_utils/_shape.py", "raise SystemExit(4)\n", "No start of json char found"),
        ("plugins/module_utils/_module.py", "def run(\n", "was never closed"),
        ("plugins/modules/dis_transfer_task_info.py", "def main():\n    raise SystemExit(3)\n\n\nmain()\n", ""),
        (
            "plugins/modules/dis_transfer_task_info.py",
            "def main():\n    print('no result')\n\n\nmain()\n",
            "did not handle its own exit",
        ),
    ],
)
def test_a_broken_module_fails_with_the_words_of_the_process(fork: Site, path: str, text: str, told: str) -> None:
    (fork.collection / path).write_text(
        f"from __future__ import annotations\nimport ansible.module_utils.basic\n{text}"
    )
    both = [fork.ask("dis_transfer_task_info", "stream_names=orders", *options) for options in ([], ["-e", OFF])]
    assert both[0].status == both[1].status == 2, both[0].output
    assert told in both[0].output
    assert both[0].output == both[1].output


def test_without_requests_it_says_what_the_process_says(site: Site) -> None:
    broken = site.folder / "broken"
    broken.mkdir()
    (broken / "requests.py").write_text("raise ImportError('no requests here', name='requests')\n")
    ran = site.ask("dis_transfer_task_info", "stream_names=orders", "-vvv", PYTHONPATH=str(broken))
    assert way(ran.output) == f"{sys.executable} cannot import requests"
    assert ran.status == 2
    assert "Failed to import the required Python library (requests)" in ran.output
    assert "ansible_python_interpreter" in ran.result["msg"]
    assert '"kind": "configuration"' in ran.output


def test_a_module_that_dies_inside_leaves_the_play_going(fork: Site) -> None:
    source = fork.collection / "plugins" / "modules" / "dis_transfer_task_info.py"
    source.write_text(f"{source.read_text()}\n\ndef main():\n    raise MemoryError\n")
    ran = fork.play(f"{play(ONE, 'ignore_errors: true')}    - ansible.builtin.debug: {{msg: went on}}\n", "-vvv")
    assert way(ran.output) == "MemoryError inside"
    assert ran.status == 0, ran.output
    assert "went on" in ran.output


# -- processes and what they hold


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A service that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_a_silent_call_leaves_no_process(
    site: Site, silent: socket.socket, number: signal.Signals
) -> None:
    environment = site.environment | site.at(address(silent)) | {"MARK": str(site.folder)}
    (site.folder / "play.yml").write_text(play())
    program = str(shutil.which("ansible-playbook", path=site.environment["PATH"]))
    process = subprocess.Popen(
        [program, "play.yml", "-vvv"],
        cwd=site.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with silent.accept()[0]:
            os.killpg(process.pid, number)
            told, _nothing = process.communicate(timeout=20)
            assert process.returncode != 0
            assert INSIDE in told or number != signal.SIGINT, told
            _until(lambda: not _marked(site.folder))
    finally:
        for left in _marked(site.folder):
            os.kill(int(left), signal.SIGKILL)
        process.wait(20)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _marked(folder: Path) -> list[str]:
    """The processes that have the mark of a test in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MARK={folder}".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_fifty_hosts_at_once(site: Site, strategy: str) -> None:
    inventory = site.folder / "hosts"
    names = [f"host{number}" for number in range(50)]
    inventory.write_text("".join(f"{name} ansible_connection=local\n" for name in names))
    check = (
        "    - ansible.builtin.assert: {that: [told.region == 'eu-west-101', told.summary.total == 2,"
        " told.msg is search('2 transfer tasks'), told.request_stats.requests > 1], quiet: true}\n"
    )
    keywords = f"  strategy: {strategy}\n"
    text = play(ONE, "register: told", hosts="all", keywords=keywords) + check
    ran = site.play(text, "-i", str(inventory), "--forks", "20", "-vvv")
    assert ran.status == 0, ran.output
    assert ran.output.count(INSIDE) == 50
    assert PROCESS not in ran.output
    assert len(re.findall(r"host\d+ +: ok=2 .*failed=0", ran.output)) == 50


def test_a_long_loop_holds_nothing_back(site: Site) -> None:
    """The worker that runs the loop shows its memory and its threads with each item."""
    status = (
        r"{{ lookup('ansible.builtin.file', '/proc/self/status') | regex_findall('(?:VmRSS|Threads):\s+\d+') | join }}"
    )
    lines = ["loop: '{{ range(500) | list }}'", "loop_control:", f'  label: "{status}"'.replace("\\", "\\\\")]
    ran = site.play(play(ONE, *lines))
    assert ran.status == 0, ran.output
    seen = [(int(size), int(threads)) for size, threads in re.findall(r"VmRSS:\s+(\d+).*?Threads:\s+(\d+)", ran.output)]
    assert len(seen) == 500, ran.output
    # The results themselves stay in memory, about 20 KiB each.
    assert (seen[-1][0] - seen[99][0]) / 400 < 64, [size for size, _threads in seen[::50]]
    assert max(threads for _size, threads in seen[100:]) <= max(threads for _size, threads in seen[:100]) + 2


def test_calls_that_end_in_silence_leave_no_threads_and_connections(site: Site, silent: socket.socket) -> None:
    options = f"stream_names: orders, dis_endpoint: '{address(silent)}', retries: 0, total_timeout: 0.2"
    task = f"hwcloud.streaming.dis_transfer_task_info: {{{options}}}"
    label = (
        r"threads {{ lookup('ansible.builtin.file', '/proc/self/status') | regex_search('Threads:\s+(\d+)', '\1') | first }} "
        "files {{ query('ansible.builtin.fileglob', '/proc/self/fd/*') | length }} end"
    )
    lines = [
        "loop: '{{ range(20) | list }}'",
        "loop_control:",
        f'  label: "{label}"'.replace("\\", "\\\\"),
        "failed_when: false",
    ]
    ran = site.play(play(task, *lines))
    assert ran.status == 0, ran.output
    threads = [int(number) for number in re.findall(r"threads (\d+) files", ran.output)]
    assert len(threads) == 20, ran.output
    assert max(threads) <= threads[0] + 2, threads
