/* SPDX-License-Identifier: GPL-2.0-only */
/* What the probes share with user space: see record.go and control.go. */
#ifndef RINGPROOF_RECORD_H
#define RINGPROOF_RECORD_H

/* cases.EventKind, same values. */
enum kind {
	EV_RING_CREATE = 1,
	EV_SUBMIT,
	EV_PREP_FAIL,
	EV_LINK,
	EV_FAIL_LINK,
	EV_DEFER,
	EV_ISSUE,
	EV_PUNT,
	EV_WORKER,
	EV_POLL_ARM,
	EV_TASK_ADD,
	EV_TASK_RUN,
	EV_COMPLETE,
	EV_EXTRA_CQE,
	EV_OVERFLOW,
	EV_FREE,
	EV_RING_GONE,
	EV_ISSUE_RETURN,
	EV_TASK_EXIT,
};

#define RECORD_WORKER (1 << 0)
#define RECORD_GROUP_REFS (1 << 1)

struct record {
	__u64 time;
	__u64 req;
	__u64 user_data;
	__u64 flags;
	__u64 leader;
	__u64 arg;
	__u32 run;
	__u32 gen;
	__u32 tid;
	__u32 tgid;
	__s32 res;
	__s32 refs;
	__s32 group_refs;
	__u16 cpu;
	__u8 kind;
	__u8 ring;
	__u8 op;
	__u8 bits;
	__u8 reserved[6];
};

/*
 * A place in the queue of records, which is an array that user space maps. A
 * probe takes the next number from head, writes the record into the place of
 * that number, and commits it by setting seq to the number plus one. The
 * reader follows with tail. Numbers never wrap; a place is found by their low
 * bits. BPF's own ring buffer takes a lock and twice the instructions.
 */
struct entry {
	struct record record;
	__u64 reserved[4];
	__u64 seq;
};

struct queue {
	__u64 head; /* written by the probes */
	__u64 reserved[7];
	__u64 tail; /* written by the reader */
	__u64 reserved2[7];
};

/* Places at which requests can be made to wait: noise.Hook, same values. */
enum hook {
	HOOK_SUBMIT,
	HOOK_ISSUE,
	HOOK_ISSUED,
	HOOK_PUNT,
	HOOK_WORKER,
	HOOK_WORKED,
	HOOK_POLL_ARM,
	HOOK_POLL_RUN,
	HOOK_TASK_ADD,
	HOOK_TASK_RUN,
	HOOK_COMPLETE,
	HOOK_FLUSH,
	HOOK_DEFER,
	HOOK_FAIL_LINK,
	HOOKS,
};

#define HOOK_ROOM 16

struct delay {
	__u16 chance; /* of 256 */
	__u16 max_us;
};

/* The schedule noise of one ring: noise.Probes. */
struct noise {
	__u64 key; /* 0 is none */
	__u64 budget; /* ns that all waits may take together */
	__u64 spent; /* ns that were decided on so far */
	__u64 waits;
	struct delay delay[HOOK_ROOM];
};

/*
 * What belongs to one ring. Its counters only grow while the ring lives; the
 * noise is set before it.
 */
struct slot {
	__u64 submitted;
	__u64 completed;
	__u64 freed;
	__u64 gone;
	struct noise noise;
};

/* What the scheduler does: noise.Sched. */
struct sched {
	__u64 key; /* 0 is nothing in particular */
	__u64 min_slice; /* ns */
	__u64 slice_span;
	__u64 jitter; /* ns */
	__u32 stray; /* of 256 */
	__u32 kick;
	__u64 decisions; /* so far */
	__u64 exit_kind; /* enum scx_exit_kind; 0 while it is at work */
	__u64 loaded; /* whether it is there */
	char reason[64]; /* why it has ended */
};

#define SLOTS 1024

/*
 * The one value of the mmapable map: which ring to trace next, and what was
 * counted. tgid is written last by the worker and cleared by the probe that
 * takes the tag.
 */
struct control {
	__u32 tgid;
	__u32 run;
	__u32 slot;
	__u32 ring;
	__u64 lost;
	__u64 noisy; /* whether any ring has noise */
	__u64 reserved[4];
	struct sched sched;
	struct slot slots[SLOTS];
};

#endif
