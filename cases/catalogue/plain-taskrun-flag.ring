# SPDX-License-Identifier: Apache-2.0
# Task work is flagged and run when the process looks.
name plain-taskrun-flag
rules G12

ring r0 entries=4 flags=COOP_TASKRUN|TASKRUN_FLAG
pipe p0
buf b0 size=64

submit r0
  read p0.r b0 len=64
feed p0.w 64 fill=5
wait r0
