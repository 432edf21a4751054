// SPDX-License-Identifier: Apache-2.0

// Package crash reads what a kernel says when it is in trouble.
//
// [Parse] finds the complaints in a console and gives each a kind, a title that
// is the same each time the same trouble shows, and its stacks. A
// [Symbolizer] turns the frames of those stacks into functions, files and lines,
// and [Explain] marks the lines that a patch under test has written. Parsing needs
// nothing but text; the rest needs the kernel's vmlinux, and its source where
// lines are to be quoted.
package crash

// Kind is the class of a complaint.
type Kind string

const (
	Oops       Kind = "oops"        // an exception in the kernel: NULL dereference, page fault, general protection, …
	Bug        Kind = "bug"         // BUG(), or a line that begins with "BUG:" and is nothing else of this list
	Warning    Kind = "warning"     // WARN()
	KASAN      Kind = "kasan"       // invalid memory access
	KCSAN      Kind = "kcsan"       // data race
	KFENCE     Kind = "kfence"      // invalid memory access, found by sampling
	UBSAN      Kind = "ubsan"       // undefined behaviour
	Lockdep    Kind = "lockdep"     // locking that can deadlock, or breaks a locking rule
	List       Kind = "list"        // a corrupted list
	Refcount   Kind = "refcount"    // a refcount_t that left its range
	Slab       Kind = "slab"        // the slab allocator found its data overwritten
	BadPage    Kind = "bad-page"    // the page allocator did
	Leak       Kind = "leak"        // kmemleak found memory that nothing refers to
	Atomic     Kind = "atomic"      // sleeping where that is not allowed
	HungTask   Kind = "hung-task"   // a task waited uninterruptibly for too long
	SoftLockup Kind = "soft-lockup" // a CPU did not schedule for too long
	HardLockup Kind = "hard-lockup" // a CPU did not take interrupts for too long
	Workqueue  Kind = "workqueue"   // a worker pool made no progress
	RCUStall   Kind = "rcu-stall"   // a grace period did not end
	Panic      Kind = "panic"       // panic() that no other complaint led to
	Unknown    Kind = "unknown"     // words that none of the above fits, or a stack dump without any
	Silence    Kind = "silence"     // no words at all
)

// OfTime tells the complaints that something took too long. A guest that
// could not run makes them, too.
func (k Kind) OfTime() bool {
	switch k {
	case HungTask, SoftLockup, HardLockup, Workqueue, RCUStall:
		return true
	}
	return false
}

// Report is one complaint of a kernel.
type Report struct {
	Kind Kind `json:"kind"`
	// Title says in one line what happened and where. It holds no address,
	// process, CPU, offset or time, so the same trouble has the same title in every run.
	Title string `json:"title"`
	// First is the index of the report's first line in the console.
	First int `json:"first"`
	// Lines are the report's own lines without printk's prefix. Those of
	// others that fell between them are not among them.
	Lines []string `json:"lines"`
	// Stacks are in the order of the report; the first is where it happened,
	// unless the report has only others (a data race's two sides, a cycle of locks).
	Stacks []Stack `json:"stacks,omitempty"`
	// Cut says that the report ended before its time: the console ended, or
	// the next complaint began.
	Cut bool `json:"cut,omitempty"`
	// Mixed says that lines of another report fell between this one's: where
	// printk does not name the CPU, a frame may be the other's.
	Mixed bool `json:"mixed,omitempty"`
	// Note is what a reader has to know to understand it; "" for nothing. Not
	// set by this package.
	Note string `json:"note,omitempty"`
}

// Stack is one stack of a report, innermost frame first.
type Stack struct {
	// Title says what the stack is, such as "Freed by", "Read of 8 bytes" or
	// "-> #1 &ctx->uring_lock"; "" for where the trouble happened.
	Title  string  `json:"title,omitempty"`
	Frames []Frame `json:"frames"`
}

// Frame is one line of a stack. Offset and Size are in bytes: the place in the
// function, and the function's size.
type Frame struct {
	Func   string `json:"func"` // "" before an Address is symbolised; as in the symbol table: may end in .isra.0, .cold and the like
	Offset uint64 `json:"offset"`
	Size   uint64 `json:"size"`
	Module string `json:"module,omitempty"`
	// Address is where the kernel gave no function, as in a CPU's registers; else 0.
	Address uint64 `json:"address,omitempty"`
	// Guess is set for frames with a question mark: an address that was found
	// on the stack, which need not be of a call in progress.
	Guess bool `json:"guess,omitempty"`
	// Exact is set where the address is that of the instruction (from
	// RIP), and not the one that a call returns to.
	Exact bool `json:"exact,omitempty"`
	// Machinery is set for frames that brought the report about, and those
	// that lead into every system call: not where a bug is looked for.
	Machinery bool `json:"machinery,omitempty"`
	// Calls are what the frame stands for in the source, innermost first: the
	// last is Func itself, those before it were inlined. Empty until symbolised.
	Calls []Call `json:"calls,omitempty"`
}

// Call is one function of the source that a frame stands for.
type Call struct {
	Func string `json:"func"`
	File string `json:"file,omitempty"` // below the tree's root
	Line int    `json:"line,omitempty"` // of the patched tree
	// Patch is the file name of the patch under test that wrote the line; "" for none.
	Patch string `json:"patch,omitempty"`
	// Source holds the lines around Line, if the tree was at hand.
	Source *Excerpt `json:"source,omitempty"`
}

// Excerpt is a stretch of a source file.
type Excerpt struct {
	First int      `json:"first"` // number of the first line
	Lines []string `json:"lines"`
	// Patches names for each line the patch that wrote it, "" for none.
	Patches []string `json:"patches"`
}

// Blamed returns the innermost call that a patch under test wrote, looking at
// the stacks in order and at guesses last, or nil.
func (r *Report) Blamed() *Call {
	for _, guess := range []bool{false, true} {
		for s := range r.Stacks {
			for f := range r.Stacks[s].Frames {
				fr := &r.Stacks[s].Frames[f]
				for c := range fr.Calls {
					if fr.Guess == guess && fr.Calls[c].Patch != "" {
						return &fr.Calls[c]
					}
				}
			}
		}
	}
	return nil
}
