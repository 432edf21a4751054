# SPDX-License-Identifier: Apache-2.0
# Timeouts that are changed and repeat, a timerfd that is read, and
# another that is polled: a read takes the expiry that a poll waits for.
name plain-timers
rules G12

ring r0 entries=8
timerfd t0 delay=2ms
timerfd t1 delay=2ms
buf b0 size=8
time soon 2ms

submit r0
  late: timeout 1h0m0s
  read t0 b0 len=8
  poll_add t1 events=IN
submit r0
  timeout_remove late addr2=soon flags=UPDATE
wait r0
submit r0
  timeout 1ms count=2 flags=MULTISHOT
wait r0
