#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes ext4.img.gz: the same bytes every time with the same e2fsprogs.
set -eu
cd "$(dirname "$0")"
img=$(mktemp)
trap 'rm -f "$img"' EXIT
truncate -s 16M "$img"
E2FSPROGS_FAKE_TIME=1700000000 mke2fs -q -F -t ext4 -b 4096 -N 1024 -m 0 \
	-O ^has_journal,^resize_inode -U 7269b670-726f-6f66-0000-000000000001 \
	-E hash_seed=7269b670-726f-6f66-0000-000000000002,lazy_itable_init=0,nodiscard,root_owner=0:0 "$img"
gzip -9 -n <"$img" >ext4.img.gz
