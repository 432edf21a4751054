/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the probes need of the kernel's types, and no more. Each access is
 * relocated by name to the running kernel (CO-RE), so order, size and the
 * members in between do not matter here.
 */
#ifndef RINGPROOF_KERNEL_H
#define RINGPROOF_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_F_MMAPABLE = 1U << 10,
};

enum {
	BPF_RB_FORCE_WAKEUP = 1U << 1,
};

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct signal_struct *signal;
	int nr_cpus_allowed;
};

/* kernel/sched/ext.c */
enum scx_exit_kind {
	SCX_EXIT_NONE,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	const char *reason;
};

struct work_struct {
	void *func;
};

struct io_wq_work_node {
	struct io_wq_work_node *next;
};

struct io_wq_work {
	struct io_wq_work_node list;
};

struct io_cqe {
	__u64 user_data;
	__s32 res;
};

struct io_ring_ctx;

struct io_kiocb {
	__u8 opcode;
	__u64 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct io_wq_work_node comp_list;
	atomic_t refs;
	struct io_wq_work work;
};

struct io_submit_state {
	struct io_wq_work_node free_list;
};

struct io_ring_ctx {
	struct io_submit_state submit_state;
	struct work_struct exit_work;
};

#pragma clang attribute pop

/* Members are matched by name; those that are not here are left out. */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

#endif
