// SPDX-License-Identifier: Apache-2.0

// Package wire defines what host and guest say to each other: CBOR messages
// in length-prefixed frames over one byte stream. The peer is never trusted:
// a fuzzed kernel may send anything.
package wire

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringproof/ringproof/cases"
)

// Version is the protocol's version. Host and guest of different versions
// understand only Hello, Push, PushDone and Fault, which never change.
const Version = 1

// PortName is the name of the virtio-serial port that carries the channel.
const PortName = "ringproof.0"

// Hello is the first message of each side. The host speaks first, and again
// after a restore or a push; the guest answers each Hello with its own.
type Hello struct {
	Version int
	// BuildID identifies the sender's build of ringproof: the hex SHA-256 of the executable.
	BuildID string
	// Guest is set by the guest only.
	Guest *GuestInfo
	// Settings is set by the host only: what the agent shall prepare.
	Settings *Settings
	// Nonce is chosen by the host and returned by the guest, so that an answer
	// to an earlier host's Hello (before a snapshot) cannot pass for this one's.
	Nonce uint64
}

// Settings are what the host wants of an agent before it serves programs.
type Settings struct {
	Profile cases.Profile
	// Probes attaches the eBPF probes; without them outcomes hold no events.
	Probes bool
	// RingBytes is the size of the probes' buffer, a power of two of at least
	// one page; 0 is the default.
	RingBytes uint32
	// Noise prepares what schedule noise takes in the kernel: programs of the probes, and a
	// scheduler. Without it a Run with noise has the other kinds only.
	Noise bool
	// TimeScale stretches every bound in the guest: 1 on real hardware, more under emulation.
	TimeScale float64
}

// GuestInfo says what the agent found.
type GuestInfo struct {
	Release  string // uname -r
	Version  string // uname -v
	CPUs     int
	MemMB    int
	Features uint32 // io_uring_params.features
	// Groups tells whether a real two-NOP group completed as a group; GroupsWhy
	// says what was seen.
	Groups    bool
	GroupsWhy string
	NopInject bool
	// Lacks says of needs of programs why the guest does not meet them.
	Lacks map[string]string
	// Ops are the opcodes that IORING_REGISTER_PROBE reports as supported.
	Ops []uint8
	// NoCoverage says why coverage is not to be had, "" if it is. Uncovered names the
	// tasks that it lacks all the same, with the reason after a colon.
	NoCoverage string
	Uncovered  []string
	// Probes and Missing name what was attached and what could not be, with the reason after a colon.
	Probes  []string
	Missing []string
	// Noise names the kinds of schedule noise that take the kernel's help and are
	// at hand, Silent the others, with the reason after a colon. Both are empty without Settings.Noise.
	Noise, Silent []string
	Boot          time.Duration // guest clock from kernel start to PID 1's main
	Ready         time.Duration // guest clock from kernel start to this Hello
}

// Unmet says why the guest cannot meet a program's needs, "" if it can.
func (g *GuestInfo) Unmet(needs []cases.Need) string {
	for _, n := range needs {
		switch why := g.Lacks[string(n)]; {
		case n == cases.NeedGroups && !g.Groups:
			return "the kernel has no SQE groups: a two-NOP group does not complete as one"
		case n == cases.NeedNopInject && !g.NopInject:
			return "the kernel's NOP does not know IORING_NOP_INJECT_RESULT (6.10 and later)"
		case why != "":
			return why
		}
		if op, ok := n.Op(); ok && !slices.Contains(g.Ops, uint8(op)) {
			return fmt.Sprintf("the kernel does not have the opcode %s built in", op)
		}
	}
	return ""
}

// Push announces a new executable of the given size; PushData frames follow
// until it is complete. The guest checks the sum and executes it in place;
// its first word is then its answer to the next Hello.
type Push struct {
	Size   int64
	SHA256 string // hex
}

// PushData is the next piece of the executable.
type PushData struct{ Data []byte }

// PushDone is the guest's answer before it executes the new binary.
type PushDone struct{ SHA256 string }

// Run asks the guest to run one program. Several may be outstanding; the
// guest runs them one after the other and may answer out of order, since an
// outcome is complete only when the program's rings are gone.
type Run struct {
	ID      uint64
	Program cases.Program
	// Deadline bounds the program's steps in guest time, scaling included.
	Deadline time.Duration
	// Ends bounds what follows the steps, likewise: first how long the program's
	// process may take to go once it was killed, then how long its rings may. 0 is
	// the agent's own bound, which is generous.
	Ends time.Duration
	// Brief asks for no more of a hang than the step that does not return.
	Brief bool
	// Coverage asks for what of the kernel the program reached.
	Coverage bool
	// Noise is the seed of the schedule noise the program runs under; 0 is none.
	Noise uint64
	// Mutant is the number of the mistake that the kernel shall make, of those
	// that its image carries; 0 is none. It holds from this run on until another Run names another.
	Mutant int
}

// Ran is the answer to a Run. Events of Outcome travel as raw records
// (see vm/probe) in Events, since decoding them is cheap for the host and dear for the guest;
// Outcome.Events is empty on the wire, and so is Outcome.Coverage.
type Ran struct {
	ID      uint64
	Outcome cases.Outcome
	Events  []byte
	// Coverage is packed (see vm/kcov), empty if there is none.
	Coverage []byte
	// Fatal says that the guest is not fit for more programs (a hang left tasks behind): the host must replace it.
	Fatal bool
}

// Log is a line from the agent for the host's log.
type Log struct {
	Text string
	// Notice says that the user should know, too.
	Notice bool
}

// Fault says that the sender cannot go on, and why.
type Fault struct{ Text string }

// Ping and Pong check that the other side is alive.
type Ping struct{ Nonce uint64 }

// Pong answers a Ping.
type Pong struct{ Nonce uint64 }

// Shell asks the agent to run one command line of the built-in look-around
// shell (ls, cat, ps, dmesg, ring state, ...); ShellOutput answers.
type Shell struct{ Line string }

// ShellOutput is the answer to a Shell.
type ShellOutput struct {
	Text string
	Err  string
}

// PowerOff asks the guest to power itself off.
type PowerOff struct{}
