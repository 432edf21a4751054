# SPDX-License-Identifier: Apache-2.0
# Bytes go from a file through two pipes.
name plain-splice
rules G12

ring r0 entries=8
file f0 size=64 fill=3
pipe p0
pipe p1

submit r0
  splice p0.w fd2=f0 len=64 off=-1 LINK
  tee p1.w fd2=p0.r len=64
wait r0
