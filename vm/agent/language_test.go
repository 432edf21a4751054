// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/cases"
)

func parse(t testing.TB, text string) *cases.Program {
	t.Helper()
	p, err := cases.Parse("test.ring", []byte("name test\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the language can say, on the host's own kernel.
func TestExecutorLanguage(t *testing.T) {
	for _, c := range []struct {
		name, text string
		cqes, rets []string
	}{
		{
			name: "another thread submits and waits",
			text: `ring r0 entries=4
pipe p0
buf b0 size=8
t1: submit r0
  read p0.r b0 len=8
t1: wait r0 1 timeout=10s &
feed p0.w 8
join t1
t1: exit-thread
`,
			cqes: []string{"r0 step1 1=8"},
			rets: []string{"1/0", "1/0", "8/0", "0/0", "0/0"},
		},
		{
			name: "a ring is closed under a waiting thread",
			text: `ring r0 entries=4
ring r1 entries=4
eventfd e0
submit r0
  nop
t1: wait r0 2 timeout=100ms &
submit r1
  nop
wait r1 1
close r0
`,
			cqes: []string{"r0 step1 1=0", "r1 step3 2=0"},
			rets: []string{"1/0", "1/9", "1/0", "1/0", "0/0"},
		},
		{
			name: "deferred task work of another thread",
			text: `ring r0 entries=4 flags=R_DISABLED|SINGLE_ISSUER|DEFER_TASKRUN
pipe p0
t1: register r0 enable
t1: submit r0
  poll_add p0.r events=IN
feed p0.w 1
t1: wait r0 1 timeout=10s
submit r0
  nop
`,
			cqes: []string{"r0 step3 1=1"},
			rets: []string{"0/0", "1/0", "1/0", "1/0", "-1/17"},
		},
		{
			name: "a thread with a request in flight exits",
			text: `ring r0 entries=4
pipe p0
buf b0 size=8
t1: submit r0
  read p0.r b0 len=8
  poll_add p0.r events=IN
t1: exit-thread
feed p0.w 8
wait r0 2 timeout=10s
`,
			cqes: []string{"r0 step3 1=-125", "r0 step3 2=-125"},
			rets: []string{"2/0", "0/0", "8/0", "2/0"},
		},
		{
			name: "fixed files and buffers",
			text: `ring r0 entries=8
file f0 size=64 fill=3
pipe p0
buf b0 size=128
register r0 files f0 - p0.w
register r0 buffers b0:64 b0+64
submit r0
  read_fixed 0 b0 len=64 FIXED_FILE
  write_fixed 2 b0+64 len=32 off=-1 index=1 FIXED_FILE
  read 1 b0 len=1 FIXED_FILE
wait r0 3 timeout=10s
register r0 files-update f0 from=1
submit r0
  read 1 b0 len=1 FIXED_FILE
wait r0 1 timeout=10s
unregister r0 files
unregister r0 buffers
`,
			cqes: []string{"r0 step3 1=64", "r0 step3 2=32", "r0 step3 3=-9", "r0 step6 4=1"},
			rets: []string{"0/0", "0/0", "3/0", "3/0", "1/0", "1/0", "1/0", "0/0", "0/0"},
		},
		{
			name: "a buffer ring runs dry and is refilled",
			text: `ring r0 entries=8
pipe p0
buf b0 size=128
register r0 bufring b0 group=7 entries=2 size=64
feed p0.w 8
submit r0
  read p0.r len=4 index=7 BUFFER_SELECT LINK
  read p0.r len=2 index=7 BUFFER_SELECT
wait r0 2 timeout=10s
submit r0
  read p0.r len=1 index=7 BUFFER_SELECT
wait r0 1 timeout=10s
refill r0 group=7 from=1
submit r0
  read p0.r len=1 index=7 BUFFER_SELECT
wait r0 1 timeout=10s
unregister r0 bufring group=7
`,
			cqes: []string{"r0 step3 1=4", "r0 step3 2=2", "r0 step5 3=-105", "r0 step8 4=1"},
			rets: []string{"0/0", "8/0", "2/0", "2/0", "1/0", "1/0", "0/0", "1/0", "1/0", "0/0"},
		},
		{
			name: "provided buffers of the old kind",
			text: `ring r0 entries=8
pipe p0
buf b0 size=128
feed p0.w 8
submit r0
  provide_buffers 2 b0 len=64 index=1 LINK
  read p0.r len=8 index=1 BUFFER_SELECT LINK
  remove_buffers 5 index=1
wait r0 3 timeout=10s
`,
			cqes: []string{"r0 step2 1=0", "r0 step2 2=8", "r0 step2 3=1"},
			rets: []string{"8/0", "3/0", "3/0"},
		},
		{
			name: "iovecs and messages",
			text: `ring r0 entries=8
file f0 size=64 fill=3
sockets s0
buf b0 size=64
iovec v0 b0:16 b0+32:8
msg m0 iov=v0
submit r0
  readv f0 v0 len=2 LINK
  sendmsg s0.a m0 LINK
  recvmsg s0.b m0
wait r0 3 timeout=10s
`,
			cqes: []string{"r0 step1 1=24", "r0 step1 2=24", "r0 step1 3=24"},
			rets: []string{"3/0", "3/0"},
		},
		{
			name: "paths",
			text: `ring r0 entries=16
dir d0
dir d1
buf b0 size=256
text n0 one
text n1 two/three
text n2 two
how h0 flags=RDWR|CREAT mode=384
register r0 files - - -
submit r0
  openat d0 n0 len=384 flags=RDWR|CREAT file_index=2 LINK
  write 1 b0 len=10 FIXED_FILE LINK
  mkdirat d0 n2 len=448 LINK
  linkat d0 n0 fd2=d0 addr2=n1 LINK
  statx d0 n1 addr2=b0 len=2047 LINK
  unlinkat d0 n0 LINK
  renameat d0 n1 fd2=d1 addr2=n0 LINK
  openat2 d1 n0 addr2=h0 len=24 file_index=ALLOC LINK
  symlinkat d1 n0 addr2=n2 LINK
  unlinkat d0 n2 flags=REMOVEDIR LINK
  close 0 file_index=2
wait r0 11 timeout=10s
`,
			cqes: []string{"r0 step2 1=0", "r0 step2 2=10", "r0 step2 3=0", "r0 step2 4=0", "r0 step2 5=0", "r0 step2 6=0", "r0 step2 7=0",
				"r0 step2 8=2", "r0 step2 9=0", "r0 step2 10=0", "r0 step2 11=0"},
			rets: []string{"0/0", "11/0", "11/0"},
		},
		{
			name: "sockets meet",
			text: `ring r0 entries=16
socket s0
socket s1
addr a0 ringproof-test
register r0 files - -
submit r0
  bind s0 a0 LINK
  listen s0 len=4
wait r0 2 timeout=10s
submit r0
  accept s0 file_index=1
  connect s1 a0
wait r0 2 timeout=10s
`,
			cqes: []string{"r0 step2 1=0", "r0 step2 2=0", "r0 step4 4=0", "r0 step4 3=0"},
			rets: []string{"0/0", "2/0", "2/0", "2/0", "2/0"},
		},
		{
			name: "futexes",
			text: `ring r0 entries=8
buf b0 size=64
waitv w0 b0:0 b0+8
submit r0
  futex_wait 130 b0 addr3=4294967295
  futex_waitv w0 fd=0 len=2
submit r0
  futex_wake 130 b0+8 off=5 addr3=4294967295
wait r0 2 timeout=10s
submit r0
  futex_wake 130 b0 off=5 addr3=4294967295
wait r0 2 timeout=10s
`,
			cqes: []string{"r0 step2 3=1", "r0 step2 2=1", "r0 step4 4=1", "r0 step4 1=0"},
			rets: []string{"2/0", "1/0", "2/0", "1/0", "2/0"},
		},
		{
			name: "timeouts and polls are updated",
			text: `ring r0 entries=8
pipe p0
time soon 1ms
submit r0
  t: timeout 1h
  p: poll_add p0.r events=IN
submit r0
  timeout_remove t addr2=soon flags=UPDATE
wait r0 2 timeout=10s
submit r0
  poll_remove p len=UPDATE_EVENTS events=IN|RDHUP
feed p0.w 1
wait r0 2 timeout=10s
`,
			cqes: []string{"r0 step2 3=0", "r0 step2 1=-62", "r0 step5 4=0", "r0 step5 2=1"},
			rets: []string{"2/0", "1/0", "2/0", "1/0", "1/0", "2/0"},
		},
		{
			name: "splice, epoll, eventfd and timerfd",
			text: `ring r0 entries=8
file f0 size=64 fill=3
pipe p0
epoll ep
eventfd e0
timerfd t0 delay=1ms
event ev0 IN data=7
buf b0 size=64
register r0 eventfd e0
submit r0
  splice p0.w fd2=f0 len=64 off=-1 LINK
  epoll_ctl ep ev0 fd2=p0.r len=1 LINK
  read t0 b0 len=8
wait r0 3 timeout=10s
take e0 8
`,
			cqes: []string{"r0 step2 1=64", "r0 step2 2=0", "r0 step2 3=8"},
			rets: []string{"0/0", "3/0", "3/0", "8/0"},
		},
		{
			name: "a submission that SQPOLL's thread must make room for counts in full",
			text: `ring r0 entries=4 flags=SQPOLL
submit r0
  nop
  nop
submit r0
  nop
  nop
  nop
wait r0 5 timeout=10s
`,
			cqes: []string{"r0 step2 1=0", "r0 step2 2=0", "r0 step2 3=0", "r0 step2 4=0", "r0 step2 5=0"},
			rets: []string{"2/0", "3/0", "5/0"},
		},
		{
			name: "a wait is content with less after its minimum time",
			text: `ring r0 entries=4
pipe p0
submit r0
  nop
  poll_add p0.r events=IN
wait r0 2 min=1ms timeout=10s
feed p0.w 1
wait r0 1 min=1ms timeout=10s
`,
			cqes: []string{"r0 step1 1=0", "r0 step3 2=1"},
			rets: []string{"2/0", "1/62", "1/0", "1/0"},
		},
		{
			name: "a child is waited for and killed",
			text: `ring r0 entries=8
child c0
buf b0 size=128
submit r0
  waitid c0 addr2=b0 len=3 file_index=4
kill c0
wait r0 1 timeout=10s
`,
			cqes: []string{"r0 step2 1=0"},
			rets: []string{"1/0", "0/0", "1/0"},
		},
		{
			name: "messages between rings, submit and wait",
			text: `ring r0 entries=8
ring r1 entries=8
submit r0 wait=1 timeout=10s
  msg_ring r1 len=5 off=77
wait r1 1 timeout=10s
`,
			cqes: []string{"r0 step2 1=0", "r1 step1 77=5"},
			rets: []string{"1/0", "1/0"},
		},
		{
			name: "a personality of another user",
			text: `ring r0 entries=8
dir d0
text n0 secret
register r0 files -
t1: uid 1000
t1: register r0 personality
submit r0
  openat d0 n0 len=384 flags=RDWR|CREAT file_index=1 LINK
  openat d0 n0 flags=RDWR personality=1
wait r0 2 timeout=10s
`,
			cqes: []string{"r0 step4 1=0", "r0 step4 2=-13"},
			rets: []string{"0/0", "0/0", "1/0", "2/0", "2/0"},
		},
		{
			name: "a ring that is known by its index only",
			text: `ring r0 entries=8 flags=NO_MMAP|REGISTERED_FD_ONLY
ring r1 entries=8
register r1 ring-fd
submit r0
  nop
submit r1
  nop
wait r0 1 timeout=10s
wait r1 1 timeout=10s
unregister r1 ring-fd
t1: submit r1
  nop
`,
			cqes: []string{"r0 step3 1=0", "r1 step4 2=0", "r1 step7 3=0"},
			rets: []string{"1/0", "1/0", "1/0", "1/0", "1/0", "1/0", "1/0"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, l := newExecutor(t)
			o := execute(x, l, parse(t, c.text))
			if o.End != cases.EndDone {
				t.Fatalf("End = %s: %s", o.End, o.Error)
			}
			if d := cmp.Diff(c.cqes, cqes(o)); d != "" {
				t.Errorf("CQEs (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.rets, rets(o)); d != "" {
				t.Errorf("step results (-want +got):\n%s", d)
			}
		})
	}
}

// A program that kills or executes its process ends as it says, with a wait
// of another thread cut short; what it has made is removed.
func TestSchedulerEndsWithThreads(t *testing.T) {
	for _, c := range []struct {
		text string
		want cases.End
	}{
		{"ring r0 entries=4\nt1: wait r0 1 timeout=30s &\nkill\n", cases.EndKilled},
		{"ring r0 entries=4\nt1: wait r0 1 timeout=30s &\nexit\n", cases.EndExited},
		{"ring r0 entries=4\nt1: wait r0 1 timeout=30s &\nexec\n", cases.EndExeced},
		{"ring r0 entries=4\npipe p0\nt2: submit r0\n  poll_add p0.r events=IN\nt1: exec\n", cases.EndExeced},
		{"ring r0 entries=4\nchild c0\nkill c0\nt1: wait r0 1 timeout=1ms &\n", cases.EndDone},
	} {
		ran := newBench(t).run(*parse(t, c.text))[0]
		if ran.Outcome.End != c.want {
			t.Errorf("%q: End %s (%s), want %s", c.text, ran.Outcome.End, ran.Outcome.Error, c.want)
		}
		if c.want != cases.EndDone && (len(ran.Outcome.Steps) > 0 && !ran.Outcome.Steps[0].Pending && strings.Contains(c.text, "&")) {
			t.Errorf("%q: the wait has returned: %+v", c.text, ran.Outcome.Steps)
		}
	}
}
