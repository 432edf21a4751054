// SPDX-License-Identifier: GPL-2.0-only
/*
 * Probes on the life of io_uring requests. Every program is optional: user
 * space loads those whose attach point exists in the running kernel.
 *
 * A program first asks whether the request's ring is traced, which is one
 * lookup by the ring's context, and then writes one fixed-size record to the
 * one queue that all CPUs share. The order of the queue is the order of events.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "record.h"

char _license[] SEC("license") = "GPL";

/*
 * SQE groups, from the profile and the kernel's BTF: offsets into struct
 * io_kiocb, -1 for a member that is not there; masks of req->flags, 0 likewise.
 */
const volatile __s32 group_refs_off = -1;
const volatile __u32 group_refs_size = 0;
const volatile __s32 group_leader_off = -1;
const volatile __u64 group_flag = 0;
const volatile __u64 leader_flag = 0;
/* Places in the queue, a power of two. The reader is woken when an eighth is taken. */
const volatile __u64 capacity = 1 << 18;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 18);
	__type(key, __u32);
	__type(value, struct entry);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct queue);
} queue_map SEC(".maps");

/* Carries no records: a file that the reader can wait for. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} wakeups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} shared SEC(".maps");

/* Keep the types in the object's BTF, for bpf2go and for the tests. */
struct record *unused_record __attribute__((unused));
enum kind *unused_kind __attribute__((unused));
enum hook *unused_hook __attribute__((unused));

/*
 * Rings and requests are found by address in arrays of our own that work like
 * a cache of 8 ways: a few instructions where a hash map takes a hundred, on
 * every event. A key of 0 is an empty way.
 */
#define WAYS 8

/*
 * The same way by an index that the verifier does not know, so that it goes on
 * with one state instead of one per way.
 */
#define ANY(set, found) (&(set)->way[(found)->self & (WAYS - 1)])

/*
 * The verifier lets a pointer become a number only by cutting it to 32 bits,
 * for which the compiler would use shifts, which it forbids.
 */
static __always_inline __u32 hash(__u64 address, int bits)
{
	__u64 low;

	asm volatile("r0 = %1; w0 = w0; %0 = r0" : "=r"(low) : "r"(address) : "r0");
	return (low * 0x9e3779b97f4a7c15ULL) >> (64 - bits);
}

/* A traced ring, by the address of its context. */
struct ring {
	__u64 uring;
	/* head of the free list when the running flush began, valid in_flush */
	__u64 free_head;
	__u32 run;
	__u32 slot;
	__u8 ring;
	__u8 self;
	__u8 in_flush;
	__u8 turn; /* of the noise's */
	__u8 pad[4];
};

struct ring_set {
	struct ring way[WAYS];
};

#define RING_BITS 9

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << RING_BITS);
	__type(key, __u32);
	__type(value, struct ring_set);
} rings SEC(".maps");

enum state {
	DEAD, /* in the cache of free requests, or with the slab */
	LIVE, /* from submit or prep failure to free */
	NOTIF, /* made by the kernel itself for a zero-copy send */
};

/* What is known about a request's address. */
struct life {
	__u64 req;
	__u32 gen;
	__u8 state;
	__u8 completed;
	__u8 self;
	__u8 turn; /* how often the noise has looked at this life */
	/* generation of the leader when this was first seen with one, or 0 */
	__u32 leader_gen;
	__u32 pad2;
};

/*
 * A way whose request is dead may be given to another address. Generations
 * are counted per set, so that no two lives of an address get the same one.
 */
struct life_set {
	__u32 gen;
	__u32 pad;
	struct life way[WAYS];
};

#define LIFE_BITS 13

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << LIFE_BITS);
	__type(key, __u32);
	__type(value, struct life_set);
} lives SEC(".maps");

/* Processes that created a traced ring. */
struct task {
	__u32 run;
	__u32 ring;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct task);
} tasks SEC(".maps");

/* Rings whose exit work runs, by the thread that runs it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct ring);
} exits SEC(".maps");

/* Makes any address readable as that type, with faults reading as zero. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

#define AS_REQ(address)                                 \
	((struct io_kiocb *)bpf_rdonly_cast((void *)(address), \
					    bpf_core_type_id_kernel(struct io_kiocb)))
#define REQ_OFF(member) bpf_core_field_offset(struct io_kiocb, member)

/* A request of a traced ring. */
struct view {
	struct io_kiocb *req;
	struct ring *ring;
	struct life *life;
};

static __always_inline struct control *shared_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&shared, &zero);
}

static __always_inline struct slot *slot_of(struct ring *ring)
{
	struct control *c = shared_control();

	if (!c || ring->slot >= SLOTS)
		return NULL;
	return &c->slots[ring->slot];
}

static __always_inline void count_lost(void)
{
	struct control *c = shared_control();

	if (c)
		__sync_fetch_and_add(&c->lost, 1);
}

static __always_inline struct ring *ring_of(__u64 uring)
{
	__u32 index = hash(uring, RING_BITS);
	struct ring_set *set = bpf_map_lookup_elem(&rings, &index);
	int i;

	if (!set)
		return NULL;
#pragma unroll
	for (i = 0; i < WAYS; i++)
		if (set->way[i].uring == uring)
			return ANY(set, &set->way[i]);
	return NULL;
}

static __always_inline struct life_set *lives_near(__u64 req)
{
	__u32 index = hash(req, LIFE_BITS);

	return bpf_map_lookup_elem(&lives, &index);
}

static __always_inline struct life *life_of(__u64 req)
{
	struct life_set *set = lives_near(req);
	int i;

	if (!set)
		return NULL;
#pragma unroll
	for (i = 0; i < WAYS; i++)
		if (set->way[i].req == req)
			return ANY(set, &set->way[i]);
	return NULL;
}

/*
 * Read through a cast: for a pointer behind one of a tracepoint's arguments the
 * verifier searches all of the kernel's types, which takes longer than
 * everything else it does here.
 */
static __always_inline __u64 uring_of(struct io_kiocb *req)
{
	return (__u64)AS_REQ(req)->ctx;
}

/*
 * False if the request's ring is not traced, or the request was never seen to
 * begin: another ring's memory, or one that the kernel made for itself.
 */
static __always_inline bool look(struct view *v, struct io_kiocb *req)
{
	v->req = req;
	v->ring = ring_of(uring_of(req));
	if (!v->ring)
		return false;
	v->life = life_of((__u64)req);
	return v->life;
}

static __always_inline struct queue *the_queue(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&queue_map, &zero);
}

/* If there is no room, wakeups that the reader has not seen yet are under way. */
static __always_inline void wake_reader(void)
{
	__u64 *w = bpf_ringbuf_reserve(&wakeups, sizeof(*w), 0);

	if (!w)
		return;
	*w = 0;
	bpf_ringbuf_submit(w, BPF_RB_FORCE_WAKEUP);
}

/* A record that is being written. */
struct pen {
	struct record *record;
	struct entry *entry;
	__u64 number;
};

/*
 * The order of numbers is the order of events. The check for room is apart
 * from taking a number; should that let a record overwrite one that was not
 * read, the reader sees it by the number and counts it as lost.
 */
static __always_inline bool reserve(struct pen *pen, struct ring *ring, enum kind kind)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct queue *q = the_queue();
	struct record *r;
	__u32 index;

	if (!q)
		return false;
	if (q->head - q->tail >= capacity) {
		count_lost();
		return false;
	}
	pen->number = __sync_fetch_and_add(&q->head, 1);
	index = pen->number & (capacity - 1);
	pen->entry = bpf_map_lookup_elem(&entries, &index);
	if (!pen->entry)
		return false;
	pen->record = r = &pen->entry->record;
	r->time = bpf_ktime_get_ns();
	r->run = ring->run;
	r->tid = task->pid;
	r->tgid = task->tgid;
	r->cpu = bpf_get_smp_processor_id();
	r->kind = kind;
	r->ring = ring->ring;
	r->bits = task->flags & PF_IO_WORKER ? RECORD_WORKER : 0;
	return true;
}

static __always_inline void commit(struct pen *pen)
{
	/* an exchange orders the record before its number */
	__sync_lock_test_and_set(&pen->entry->seq, pen->number + 1);
}

/* Whether a member's leader is still the request that it was. */
static __always_inline bool same_leader(struct life *member, __u64 leader)
{
	struct life *life = life_of(leader);

	if (!life || life->state != LIVE)
		return false;
	if (!member->leader_gen)
		member->leader_gen = life->gen;
	return member->leader_gen == life->gen;
}

/*
 * Reads the group's reference count, which is the leader's. Only flags tell
 * whether the pointer belongs to this life of the request. A member that is
 * done may outlive its leader, and then points to whatever is there now.
 */
static __always_inline void fill_group(struct record *r, struct io_kiocb *req,
				       struct life *life)
{
	struct io_kiocb *leader = req;

	r->leader = 0;
	r->group_refs = 0;
	if (!(r->flags & (group_flag | leader_flag)))
		return;
	if (!(r->flags & leader_flag)) {
		if (group_leader_off < 0)
			return;
		leader = AS_REQ(*(__u64 *)((void *)req + group_leader_off));
		if (!same_leader(life, (__u64)leader))
			return;
	}
	r->leader = (__u64)leader;
	if (group_refs_off < 0)
		return;
	if (group_refs_size == 1)
		r->group_refs = *(__u8 *)((void *)leader + group_refs_off);
	else if (group_refs_size == 2)
		r->group_refs = *(__u16 *)((void *)leader + group_refs_off);
	else
		r->group_refs = *(__s32 *)((void *)leader + group_refs_off);
	r->bits |= RECORD_GROUP_REFS;
}

static __always_inline void emit(struct view *v, enum kind kind, __s32 res, __u64 arg)
{
	struct record *r;
	struct pen pen;

	if (!reserve(&pen, v->ring, kind))
		return;
	r = pen.record;
	r->req = (__u64)v->req;
	r->user_data = v->req->cqe.user_data;
	r->flags = v->req->flags;
	r->arg = arg;
	r->gen = v->life->gen;
	r->res = res;
	r->refs = v->req->refs.counter;
	r->op = v->req->opcode;
	if (kind == EV_SUBMIT || kind == EV_PREP_FAIL) {
		/* The group is not assembled yet: the fields are an earlier life's. */
		r->leader = 0;
		r->group_refs = 0;
	} else {
		fill_group(r, v->req, v->life);
	}
	commit(&pen);
	/* now and then is often enough */
	if ((kind == EV_SUBMIT || kind == EV_PREP_FAIL) && !(pen.number & 15)) {
		struct queue *q = the_queue();

		if (q && q->head - q->tail > capacity / 8)
			wake_reader();
	}
}

/* An event that is about no request that was submitted. */
static __always_inline void emit_bare(struct ring *ring, enum kind kind, __u64 req,
				      __u64 user_data, __s32 res, __u64 arg)
{
	struct record *r;
	struct pen pen;

	if (!reserve(&pen, ring, kind))
		return;
	r = pen.record;
	r->req = req;
	r->user_data = user_data;
	r->flags = 0;
	r->leader = 0;
	r->arg = arg;
	r->gen = 0;
	r->res = res;
	r->refs = 0;
	r->group_refs = 0;
	r->op = 0;
	commit(&pen);
}

/* An event in the middle of a request's life. */
static __always_inline void happened(struct io_kiocb *req, enum kind kind, __s32 res, __u64 arg)
{
	struct view v;

	if (!look(&v, req))
		return;
	if (v.life->state == NOTIF)
		return;
	emit(&v, kind, res, arg);
}

/*
 * Finds a way for an address that has none. Two rings may do this at once in
 * one set, so the way is claimed by its key.
 */
static __always_inline struct life *claim(struct life_set *set, __u64 req)
{
	int i;

#pragma unroll
	for (i = 0; i < WAYS; i++) {
		struct life *life = &set->way[i];
		__u64 old = life->req;

		if ((!old || life->state == DEAD) &&
		    __sync_val_compare_and_swap(&life->req, old, req) == old) {
			life->self = i;
			return ANY(set, life);
		}
	}
	return NULL;
}

static __always_inline struct life *begin(__u64 req, enum state state)
{
	struct life_set *set = lives_near(req);
	struct life *life = life_of(req);

	if (!set)
		return NULL;
	if (!life)
		life = claim(set, req);
	if (!life) {
		count_lost();
		return NULL;
	}
	life->state = state;
	life->completed = 0;
	life->turn = 0;
	life->leader_gen = 0;
	life->gen = __sync_fetch_and_add(&set->gen, 1) + 1;
	return life;
}

static __always_inline void submitted(struct io_kiocb *req, enum kind kind, __s32 res)
{
	struct slot *slot;
	struct view v;

	v.req = req;
	v.ring = ring_of(uring_of(req));
	if (!v.ring)
		return;
	v.life = begin((__u64)req, LIVE);
	if (!v.life)
		return;
	slot = slot_of(v.ring);
	if (slot)
		__sync_fetch_and_add(&slot->submitted, 1);
	emit(&v, kind, res, 0);
}

static __always_inline void completed(struct view *v)
{
	struct slot *slot;

	if (v->life->state != LIVE || v->life->completed)
		return;
	v->life->completed = 1;
	slot = slot_of(v->ring);
	if (slot)
		__sync_fetch_and_add(&slot->completed, 1);
}

/* Gives a new ring its way. Only one process creates traced rings at a time. */
static __always_inline struct ring *trace(__u64 uring, struct control *c)
{
	__u32 index = hash(uring, RING_BITS);
	struct ring_set *set = bpf_map_lookup_elem(&rings, &index);
	struct ring *ring = NULL;
	int i;

	if (!set)
		return NULL;
	/*
	 * A context of the same address was freed, though the return of its exit
	 * work has not been seen yet: its place is the new one's, or the new one's
	 * events would be taken for its.
	 */
	ring = ring_of(uring);
#pragma unroll
	for (i = 0; i < WAYS; i++)
		if (!ring && !set->way[i].uring) {
			set->way[i].self = i;
			ring = ANY(set, &set->way[i]);
		}
	if (!ring)
		return NULL;
	ring->run = c->run;
	ring->slot = c->slot;
	ring->ring = c->ring;
	ring->in_flush = 0;
	ring->turn = 0;
	ring->uring = uring;
	return ring;
}

SEC("tp_btf/io_uring_create")
int BPF_PROG(on_create, int fd, void *uring, __u32 sq_entries, __u32 cq_entries, __u32 flags)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct control *c = shared_control();
	struct task task = {};
	struct ring *ring;

	if (!c || c->tgid != tgid || !tgid)
		return 0;
	task.run = c->run;
	task.ring = c->ring;
	ring = trace((__u64)uring, c);
	c->tgid = 0;
	if (!ring || bpf_map_update_elem(&tasks, &tgid, &task, BPF_ANY))
		count_lost();
	if (ring)
		emit_bare(ring, EV_RING_CREATE, 0, 0, fd, flags);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_submit, struct io_kiocb *req)
{
	submitted(req, EV_SUBMIT, 0);
	return 0;
}

SEC("tp_btf/io_uring_req_failed")
int BPF_PROG(on_prep_fail, void *sqe, struct io_kiocb *req, int error)
{
	submitted(req, EV_PREP_FAIL, error);
	return 0;
}

SEC("tp_btf/io_uring_link")
int BPF_PROG(on_link, struct io_kiocb *req, void *target)
{
	happened(req, EV_LINK, 0, (__u64)target);
	return 0;
}

SEC("tp_btf/io_uring_fail_link")
int BPF_PROG(on_fail_link, struct io_kiocb *req, void *link)
{
	happened(req, EV_FAIL_LINK, 0, (__u64)link);
	return 0;
}

SEC("tp_btf/io_uring_defer")
int BPF_PROG(on_defer, struct io_kiocb *req)
{
	happened(req, EV_DEFER, 0, 0);
	return 0;
}

SEC("tp_btf/io_uring_queue_async_work")
int BPF_PROG(on_punt, struct io_kiocb *req, int rw)
{
	happened(req, EV_PUNT, 0, rw);
	return 0;
}

SEC("tp_btf/io_uring_poll_arm")
int BPF_PROG(on_poll_arm, struct io_kiocb *req, int mask, int events)
{
	happened(req, EV_POLL_ARM, 0, (__u32)mask);
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_complete, void *uring, void *req, __u64 user_data, int res, unsigned int cflags)
{
	struct ring *ring;
	struct view v;

	ring = ring_of((__u64)uring);
	if (!ring)
		return 0;
	if (!req || !look(&v, AS_REQ(req)) || v.life->state == NOTIF) {
		emit_bare(ring, EV_EXTRA_CQE, (__u64)req, user_data, res, cflags);
		return 0;
	}
	/* The record first: who sees the count must find the event. */
	emit(&v, EV_COMPLETE, res, cflags);
	completed(&v);
	return 0;
}

SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(on_overflow, void *uring, unsigned long long user_data, __s32 res, __u32 cflags)
{
	struct ring *ring = ring_of((__u64)uring);

	if (ring)
		emit_bare(ring, EV_OVERFLOW, 0, user_data, res, cflags);
	return 0;
}

SEC("tp_btf/io_uring_task_add")
int BPF_PROG(on_task_add, struct io_kiocb *req, int mask)
{
	happened(req, EV_TASK_ADD, 0, (__u32)mask);
	return 0;
}

SEC("fentry/io_req_normal_work_add")
int BPF_PROG(on_normal_work_add, struct io_kiocb *req)
{
	happened(req, EV_TASK_ADD, 0, 0);
	return 0;
}

SEC("fentry/io_req_local_work_add")
int BPF_PROG(on_local_work_add, struct io_kiocb *req)
{
	happened(req, EV_TASK_ADD, 0, 0);
	return 0;
}

SEC("fentry/io_req_task_submit")
int BPF_PROG(on_task_submit, struct io_kiocb *req)
{
	happened(req, EV_TASK_RUN, 0, 0);
	return 0;
}

SEC("fentry/io_req_task_complete")
int BPF_PROG(on_task_complete, struct io_kiocb *req)
{
	happened(req, EV_TASK_RUN, 0, 0);
	return 0;
}

SEC("fentry/io_req_task_cancel")
int BPF_PROG(on_task_cancel, struct io_kiocb *req)
{
	happened(req, EV_TASK_RUN, 0, 0);
	return 0;
}

SEC("fentry/io_issue_sqe")
int BPF_PROG(on_issue, struct io_kiocb *req, unsigned int issue_flags)
{
	happened(req, EV_ISSUE, 0, issue_flags);
	return 0;
}

SEC("fexit/io_issue_sqe")
int BPF_PROG(on_issue_return, struct io_kiocb *req, unsigned int issue_flags, int ret)
{
	happened(req, EV_ISSUE_RETURN, ret, 0);
	return 0;
}

SEC("fentry/io_wq_submit_work")
int BPF_PROG(on_worker, void *work)
{
	happened(AS_REQ(work - REQ_OFF(work)), EV_WORKER, 0, 0);
	return 0;
}

SEC("fexit/io_alloc_notif")
int BPF_PROG(on_notif, void *uring, __u64 req)
{
	if (req && ring_of((__u64)uring))
		begin(req, NOTIF);
	return 0;
}

/*
 * All requests are freed by a flush of completions, which pushes them onto
 * the context's free list with the ring's lock held. Nothing can be taken from
 * the list before that lock is dropped, so what lies above the old head at the
 * end is exactly what was freed, last one first, whatever path a request
 * took through the flush or how often it was on the list of completions.
 */
SEC("fentry/__io_submit_flush_completions")
int BPF_PROG(on_flush, struct io_ring_ctx *uring)
{
	struct ring *ring = ring_of((__u64)uring);

	if (ring) {
		ring->free_head = (__u64)uring->submit_state.free_list.next;
		ring->in_flush = 1;
	}
	return 0;
}

#define MAX_BATCH (1 << 16)
#define MAX_STRANGE 8

struct walk {
	__u64 node;
	__u64 stop;
	__u32 strange;
	bool bounded;
};

/* One request of the free list. Returns 1 to stop. */
static long freed(__u32 i, void *data)
{
	struct walk *w = data;
	struct slot *slot;
	struct view v;

	if (!w->node || (w->bounded && w->node == w->stop))
		return 1;
	if (!look(&v, AS_REQ(w->node - REQ_OFF(comp_list)))) {
		/* not one of ours: only a batch's bounds lead past it */
		if (!w->bounded)
			return 1;
		w->node = (__u64)v.req->comp_list.next;
		return 0;
	}
	w->node = (__u64)v.req->comp_list.next;
	if (v.life->state == NOTIF) {
		v.life->state = DEAD;
		return 0;
	}
	if (v.life->state != LIVE) {
		/*
		 * Freed without having been alive: freed twice, unless its
		 * submission was lost. A list that bites its tail ends here.
		 */
		if (!w->bounded || ++w->strange > MAX_STRANGE)
			return 1;
		emit(&v, EV_FREE, v.req->cqe.res, 0);
		return 0;
	}
	emit(&v, EV_FREE, v.req->cqe.res, 0);
	completed(&v);
	v.life->state = DEAD;
	slot = slot_of(v.ring);
	if (slot)
		__sync_fetch_and_add(&slot->freed, 1);
	return 0;
}

SEC("fexit/__io_submit_flush_completions")
int BPF_PROG(on_flushed, struct io_ring_ctx *uring)
{
	struct ring *ring = ring_of((__u64)uring);
	struct walk w = {};

	if (!ring)
		return 0;
	w.node = (__u64)uring->submit_state.free_list.next;
	w.stop = ring->free_head;
	/* Without the old head the walk goes on as long as requests are alive. */
	w.bounded = ring->in_flush;
	ring->in_flush = 0;
	if (w.bounded && w.node == w.stop)
		return 0;
	bpf_loop(MAX_BATCH, freed, &w, 0);
	return 0;
}

static __always_inline __u64 ring_of_work(void *work)
{
	return (__u64)work - bpf_core_field_offset(struct io_ring_ctx, exit_work);
}

SEC("fentry/io_ring_exit_work")
int BPF_PROG(on_ring_exit, void *work)
{
	struct ring *ring = ring_of(ring_of_work(work));
	__u32 tid = bpf_get_current_pid_tgid();

	if (ring && bpf_map_update_elem(&exits, &tid, ring, BPF_ANY))
		count_lost();
	return 0;
}

SEC("fexit/io_ring_exit_work")
int BPF_PROG(on_ring_gone, void *work)
{
	/*
	 * The context is freed by now, and another ring may have its address:
	 * what was seen on entry says whose end this is.
	 */
	__u32 tid = bpf_get_current_pid_tgid();
	struct ring *gone = bpf_map_lookup_elem(&exits, &tid);
	struct ring *ring;
	struct slot *slot;

	if (!gone)
		return 0;
	emit_bare(gone, EV_RING_GONE, 0, 0, 0, 0);
	wake_reader();
	slot = slot_of(gone);
	if (slot)
		slot->gone = 1;
	ring = ring_of(gone->uring);
	if (ring && ring->run == gone->run && ring->ring == gone->ring)
		ring->uring = 0;
	bpf_map_delete_elem(&exits, &tid);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *p)
{
	struct ring ring = {};
	struct task *task;
	__u32 tgid = p->tgid;

	task = bpf_map_lookup_elem(&tasks, &tgid);
	if (!task || p->signal->live.counter > 0)
		return 0;
	ring.run = task->run;
	ring.ring = task->ring;
	if (bpf_map_delete_elem(&tasks, &tgid))
		return 0;
	emit_bare(&ring, EV_TASK_EXIT, 0, 0, 0, 0);
	wake_reader();
	return 0;
}

#include "noise.bpf.h"
