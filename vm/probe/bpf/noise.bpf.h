/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Schedule noise: programs that do nothing but let time pass at places in a
 * request's life. They are apart from those that record what happens, since
 * the kernel skips a program that an interrupt finds running on its CPU: a wait
 * that is skipped is no loss, a record is. They are loaded only on demand, and
 * before the others, so that what is recorded on the return of a function is
 * recorded before the wait.
 */
#ifndef RINGPROOF_NOISE_BPF_H
#define RINGPROOF_NOISE_BPF_H

#include "mix.h"

/* Probes.Wait of package noise: how many microseconds the request waits. */
static __always_inline __u64 decide(const struct noise *n, enum hook hook,
				    __u64 user_data, __u8 turn)
{
	const struct delay *d = &n->delay[hook];
	__u64 x = mix(n->key ^ mix(user_data << 16 | hook << 8 | turn));

	if ((x & 0xff) >= d->chance || !d->max_us)
		return 0;
	return 1 + (x >> 32) % d->max_us;
}

struct pause {
	__u64 until;
};

static long pass_time(__u32 i, void *data)
{
	struct pause *p = data;

	return bpf_ktime_get_ns() >= p->until;
}

/* Reading the clock takes some 50 ns at the very least. */
#define MAX_LOOKS (1 << 16)

static __always_inline void linger(struct slot *slot, enum hook hook, __u64 user_data, __u8 turn)
{
	struct noise *n = &slot->noise;
	__u64 ns = decide(n, hook, user_data, turn) * 1000;
	struct pause p;

	if (!ns || n->spent >= n->budget)
		return;
	__sync_fetch_and_add(&n->spent, ns);
	__sync_fetch_and_add(&n->waits, 1);
	p.until = bpf_ktime_get_ns() + ns;
	bpf_loop(MAX_LOOKS, pass_time, &p, 0);
}

static __always_inline bool noisy(void)
{
	struct control *c = shared_control();

	return c && c->noisy;
}

static __always_inline void disturb(struct io_kiocb *req, enum hook hook)
{
	struct slot *slot;
	struct ring *ring;
	struct life *life;
	__u8 turn = 0;

	if (!noisy())
		return;
	req = AS_REQ(req);
	ring = ring_of((__u64)req->ctx);
	if (!ring)
		return;
	slot = slot_of(ring);
	if (!slot || !slot->noise.key)
		return;
	/* What is being submitted has no life yet: it begins behind this program. */
	if (hook != HOOK_SUBMIT) {
		life = life_of((__u64)req);
		if (!life)
			return;
		turn = life->turn++;
	}
	linger(slot, hook, req->cqe.user_data, turn);
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(noise_submit, struct io_kiocb *req)
{
	disturb(req, HOOK_SUBMIT);
	return 0;
}

SEC("fentry/io_issue_sqe")
int BPF_PROG(noise_issue, struct io_kiocb *req)
{
	disturb(req, HOOK_ISSUE);
	return 0;
}

SEC("fexit/io_issue_sqe")
int BPF_PROG(noise_issued, struct io_kiocb *req)
{
	disturb(req, HOOK_ISSUED);
	return 0;
}

SEC("tp_btf/io_uring_queue_async_work")
int BPF_PROG(noise_punt, struct io_kiocb *req)
{
	disturb(req, HOOK_PUNT);
	return 0;
}

SEC("fentry/io_wq_submit_work")
int BPF_PROG(noise_worker, void *work)
{
	disturb(AS_REQ(work - REQ_OFF(work)), HOOK_WORKER);
	return 0;
}

SEC("fentry/io_wq_free_work")
int BPF_PROG(noise_worked, void *work)
{
	disturb(AS_REQ(work - REQ_OFF(work)), HOOK_WORKED);
	return 0;
}

SEC("tp_btf/io_uring_poll_arm")
int BPF_PROG(noise_poll_arm, struct io_kiocb *req)
{
	disturb(req, HOOK_POLL_ARM);
	return 0;
}

SEC("fentry/io_poll_task_func")
int BPF_PROG(noise_poll_run, struct io_kiocb *req)
{
	disturb(req, HOOK_POLL_RUN);
	return 0;
}

SEC("fentry/io_req_normal_work_add")
int BPF_PROG(noise_normal_work_add, struct io_kiocb *req)
{
	disturb(req, HOOK_TASK_ADD);
	return 0;
}

SEC("fentry/io_req_local_work_add")
int BPF_PROG(noise_local_work_add, struct io_kiocb *req)
{
	disturb(req, HOOK_TASK_ADD);
	return 0;
}

SEC("fentry/io_req_task_submit")
int BPF_PROG(noise_task_submit, struct io_kiocb *req)
{
	disturb(req, HOOK_TASK_RUN);
	return 0;
}

SEC("fentry/io_req_task_complete")
int BPF_PROG(noise_task_complete, struct io_kiocb *req)
{
	disturb(req, HOOK_TASK_RUN);
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(noise_complete, void *uring, void *req)
{
	if (req)
		disturb(req, HOOK_COMPLETE);
	return 0;
}

SEC("tp_btf/io_uring_defer")
int BPF_PROG(noise_defer, struct io_kiocb *req)
{
	disturb(req, HOOK_DEFER);
	return 0;
}

SEC("tp_btf/io_uring_fail_link")
int BPF_PROG(noise_fail_link, struct io_kiocb *req)
{
	disturb(req, HOOK_FAIL_LINK);
	return 0;
}

SEC("fentry/__io_submit_flush_completions")
int BPF_PROG(noise_flush, struct io_ring_ctx *uring)
{
	struct slot *slot;
	struct ring *ring;

	if (!noisy())
		return 0;
	ring = ring_of((__u64)uring);
	if (!ring)
		return 0;
	slot = slot_of(ring);
	if (slot && slot->noise.key)
		linger(slot, HOOK_FLUSH, 0, ring->turn++);
	return 0;
}

#endif
