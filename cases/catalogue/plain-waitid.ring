# SPDX-License-Identifier: Apache-2.0
# The end of a child process.
name plain-waitid
rules G12
needs op:waitid

ring r0 entries=4
child c0
buf b0 size=128

submit r0
  waitid c0 addr2=b0 len=3 file_index=4
kill c0
wait r0
