#!/usr/bin/env bash
# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What `make demo` shows. Expects ansible on PATH and the collection, installed from its tarball, in ANSIBLE_COLLECTIONS_PATH.
set -euo pipefail

emulator=$ANSIBLE_COLLECTIONS_PATH/ansible_collections/hwcloud/streaming/tests/emulator
play=tests/demo/play.yml
scratch=$(mktemp -d)
# Leave nothing running and no file behind, however this ends.
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

say() { printf '\n\n== %s\n\n' "$1"; shift; [ $# -eq 0 ] || printf '   %s\n' "$@"; }
# Show a command as one would type it, then run it.
show() { (PS4=$'\n$ '; set -x; "$@") 2>&1; }

say "An emulator of Huawei Cloud's IAM, DIS and DMS starts on a port of this machine" \
    "It is part of the collection, speaks HTTP like the real services and knows the streams and Kafka instances of" \
    "tests/emulator/worlds/demo.yml: some dumps are healthy, one is paused, one has stalled, one lags far behind."
python "$emulator" --world "$emulator/worlds/demo.yml" --port-file "$scratch/port" > "$scratch/log" 2>&1 &
until [ -s "$scratch/port" ]; do
    kill -0 $! 2>/dev/null || { cat "$scratch/log"; exit 1; }
    sleep 0.05
done
url=http://127.0.0.1:$(cat "$scratch/port")

# Where to ask and who is asking: for a real account, leave out the endpoints and give your own keys.
export HUAWEICLOUD_REGION=eu-west-101
export HUAWEICLOUD_SDK_AK=AKEXAMPLE0000000000X
export HUAWEICLOUD_SDK_SK=SKExample0000000000000000000000000000000
export HUAWEICLOUD_DIS_ENDPOINT=$url HUAWEICLOUD_DMS_ENDPOINT=$url HUAWEICLOUD_SDK_IAM_ENDPOINT=$url
# No word about the inventory that these commands do without.
export ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_INVENTORY_UNPARSED_WARNING=False
printf '   It answers at %s. Region and keys stand in the environment.\n' "$url"
export ANSIBLE_CALLBACK_RESULT_FORMAT=yaml

say "1. Ask about one stream, ad hoc" \
    "Numbers are numbers, each time has an ISO 8601 twin and an age, and 'problems' says in words what is not well."
show ansible localhost -m hwcloud.streaming.dis_transfer_task_info -a 'stream_names=clicks'

say "2. Ask for what is not there" \
    "Absent is a fact, not a failure: the task is named in 'not_found', and a play can branch on it."
show ansible localhost -m hwcloud.streaming.dis_transfer_task_info -a 'stream_names=orders task_names=orders-to-mars'

say "3. Throughput out of the transfer logs, summed up while they are read"
show ansible localhost -m hwcloud.streaming.dis_transfer_task_log_info -a 'stream_names=orders since=24h summary_only=true'

unset ANSIBLE_CALLBACK_RESULT_FORMAT

say "4. A play of your own: gather once, then judge, report and decide" \
    "The test and the filter of the collection judge states, ages, lag and discarded records against your limits."
sed 1,5d "$play" | sed 's/^/    /'
show ansible-playbook "$play"

say "5. The playbook that comes with the collection, before a deployment: all is well" \
    "It gathers, judges, prints the table, and fails with all problems when there is one."
show ansible-playbook hwcloud.streaming.preflight -e '{"preflight_stream_names": ["orders"], "preflight_max_age": "15m"}'

say "6. The same for everything in the project: this one is meant to fail, with each problem by name"
status=0
show ansible-playbook hwcloud.streaming.preflight -e '{"preflight_max_age": "15m", "preflight_max_lag": 1000}' || status=$?
[ "$status" -eq 2 ] || { printf '\nIt was meant to end with 2 (a task has failed), not with %s.\n' "$status"; exit 1; }

say "That is it" \
    "The emulator stops now. Modules: ansible-doc -l hwcloud.streaming. A play to copy is in README.md."
