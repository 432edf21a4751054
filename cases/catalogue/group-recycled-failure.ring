# SPDX-License-Identifier: Apache-2.0
# A group of which a member fails, and linked groups made of what it
# leaves behind: requests are recycled last-in first-out, and what the
# failure left in one of them must not break the next chain.
name group-recycled-failure
rules G12 I6
needs groups nop-inject

ring r0 entries=8

submit r0
  nop GROUP
  nop inject=-EIO GROUP
  nop GROUP
  nop
wait r0
submit r0
  nop GROUP LINK
  nop
  nop GROUP LINK
  nop
  nop
wait r0
submit r0
  nop
  nop GROUP LINK
  nop
  nop
wait r0
