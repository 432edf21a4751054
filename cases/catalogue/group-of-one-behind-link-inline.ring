# SPDX-License-Identifier: Apache-2.0
# A group of one behind an open chain. It is like a plain request, or
# fails what it stands in. Requests complete while they are submitted.
# Written by cases/families, family revisions.
name group-of-one-behind-link-inline
rules P4.7 P7.8
needs groups

ring r0 entries=4 flags=SUBMIT_ALL

submit r0
  ahead: nop LINK
  leader: nop GROUP
wait r0
