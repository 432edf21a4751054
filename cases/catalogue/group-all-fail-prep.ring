# SPDX-License-Identifier: Apache-2.0
# Nothing of the group can be parsed: each request gets its own -EINVAL,
# the leader's last.
name group-all-fail-prep
rules G3 G4 P4.4 P4.6
needs groups

ring r0 entries=8 flags=SUBMIT_ALL

submit r0
  leader: op=255 GROUP
  m1: op=254 GROUP
  m2: op=253
  nop
wait r0
