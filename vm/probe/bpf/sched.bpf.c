// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scheduler (sched_ext) that perturbs by seed. It schedules only threads that
 * ask for it by their policy (SCHED_EXT) and what they create, io-wq's workers
 * above all; everything else stays with the kernel's own scheduler, which comes first.
 * The numbers of struct sched say how, and may change at any time.
 *
 * A thread that becomes runnable is queued by a time of its own, which is now
 * and a bit: nobody is overtaken by who comes more than that bit later.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "record.h"
#include "mix.h"

char _license[] SEC("license") = "GPL";

/* The probes' map of that name, which takes its place. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} shared SEC(".maps");

/* include/linux/sched/ext.h and kernel/sched/ext.c */
#define SCX_DSQ_LOCAL (1ULL << 63 | 2)
#define SCX_OPS_SWITCH_PARTIAL (1ULL << 3)
#define SCX_KICK_PREEMPT (1ULL << 1)
#define SCX_ENQ_WAKEUP 1ULL

#define NOISE_DSQ 1
/* What a thread gets while there is no noise, ns. */
#define USUAL_SLICE (3 * 1000 * 1000)

s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle) __ksym;
void scx_bpf_dispatch(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
void scx_bpf_dispatch_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime, u64 enq_flags) __ksym;
bool scx_bpf_consume(u64 dsq_id) __ksym;
s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
u32 scx_bpf_nr_cpu_ids(void) __ksym;
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym;

static __always_inline struct sched *settings(void)
{
	__u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&shared, &zero);

	return c ? &c->sched : NULL;
}

/* The k-th decision under a seed is always the same. */
static __always_inline u64 decision(struct sched *s)
{
	return mix(s->key ^ mix(__sync_fetch_and_add(&s->decisions, 1)));
}

static __always_inline u64 slice(struct sched *s, u64 draw)
{
	return s->key ? s->min_slice + draw % (s->slice_span + 1) : USUAL_SLICE;
}

SEC("struct_ops/select_cpu")
s32 BPF_PROG(sched_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct sched *s = settings();
	bool idle = false;
	u64 draw;
	s32 cpu;

	if (!s)
		return prev_cpu;
	draw = s->key ? decision(s) : 0;
	if (s->key && (draw & 0xff) < s->stray && p->nr_cpus_allowed >= scx_bpf_nr_cpu_ids()) {
		cpu = (draw >> 8 & 0xffff) % scx_bpf_nr_cpu_ids();
		if (scx_bpf_test_and_clear_cpu_idle(cpu))
			scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice(s, draw >> 24), 0);
		return cpu;
	}
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);
	if (idle)
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice(s, draw >> 24), 0);
	return cpu;
}

SEC("struct_ops/enqueue")
void BPF_PROG(sched_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 now = bpf_ktime_get_ns();
	struct sched *s = settings();
	u64 draw, late;

	if (!s || !s->key) {
		scx_bpf_dispatch_vtime(p, NOISE_DSQ, USUAL_SLICE, now, enq_flags);
		return;
	}
	draw = decision(s);
	late = (draw >> 8) % (s->jitter + 1);
	scx_bpf_dispatch_vtime(p, NOISE_DSQ, slice(s, mix(draw)), now + late, enq_flags);
	/* Not who was interrupted itself: the two would go on forever. */
	if (enq_flags & SCX_ENQ_WAKEUP && (draw & 0xff) < s->kick)
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), SCX_KICK_PREEMPT);
}

SEC("struct_ops/dispatch")
void BPF_PROG(sched_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_consume(NOISE_DSQ);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(sched_init)
{
	return scx_bpf_create_dsq(NOISE_DSQ, -1);
}

SEC("struct_ops/exit")
void BPF_PROG(sched_exit, struct scx_exit_info *info)
{
	struct sched *s = settings();

	if (!s)
		return;
	bpf_probe_read_kernel_str(s->reason, sizeof(s->reason), info->reason);
	s->exit_kind = info->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops ringproof_noise = {
	.select_cpu = (void *)sched_select_cpu,
	.enqueue = (void *)sched_enqueue,
	.dispatch = (void *)sched_dispatch,
	.init = (void *)sched_init,
	.exit = (void *)sched_exit,
	.flags = SCX_OPS_SWITCH_PARTIAL,
	.timeout_ms = 30000, /* the most there is */
	.name = "ringproof",
};
