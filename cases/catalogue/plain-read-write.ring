# SPDX-License-Identifier: Apache-2.0
# Reads and writes on tmpfs at several offsets, with the data compared.
# The writes go to ranges that no read looks at, so order is free.
name plain-read-write
rules G12

ring r0 entries=8
file src size=4096 fill=1
file dst size=4096 fill=2
buf in size=4096
buf out size=4096 fill=3

submit r0
  read src in len=512
  read src in+1024 len=1024 off=2048
  write dst out len=512
  write dst out+512 len=100 off=3000
wait r0
