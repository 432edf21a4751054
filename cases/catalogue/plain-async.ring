# SPDX-License-Identifier: Apache-2.0
# IOSQE_ASYNC sends a request to io-wq at once. Only those that ask for
# it may be seen there.
name plain-async
rules G12

ring r0 entries=8
file f0 size=4096 fill=4
buf b0 size=4096

submit r0
  nop ASYNC
  read f0 b0 len=4096 ASYNC
  nop
wait r0
