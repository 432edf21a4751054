// SPDX-License-Identifier: Apache-2.0
/*
 * What the scanner of functions must cope with, in the kernel's style.
 *
 * static int not_this(void)
 * {
 * }
 */
#include <linux/kernel.h>

#define BODY(x)		\
do {			\
	if (x)		\
		f();	\
}			\
while (0)

#define DEFINE_GETTER(name)			\
static int get_##name(void)			\
{						\
	return name;				\
}

struct pair {
	int a, b;
	void (*done)(struct pair *p);
};

enum { ONE, TWO };

static const struct pair table[] = {
	{ .a = 1, },
	{ .b = '{', },
};

static const char brace[] =
{
	'}', '"', '\'',
};

static void forward(struct pair *p);
int declared(int a,
	     int b);

static inline bool plain(const struct pair *p)
{
	return p->a; /* } */
}

/* comment right above */
static __always_inline struct pair *with_comment(struct pair *p /* the pair */,
						 unsigned int flags) // trailing
	__must_hold(&p->lock)
{
	char c = '{', *s = "}\n{";

	if (c) {
		return p;
	}
#if 0
}
{
	it's left out
#else
	return NULL;
#endif
}

static __cold noinline void
own_line(void)
{
}

__printf(1, 0)
static void attributed(const char *fmt, void *arg __maybe_unused)
{
}

static int callbacks(struct pair *p, void (*done)(struct pair *p, int res),
		     int (*const cmp)(int, int), int list[2])
{
#define LOCAL 1
	return LOCAL;
#undef LOCAL
}

struct pair global(struct pair p, ...)
{
	return p;
}
EXPORT_SYMBOL_GPL(global);

SYSCALL_DEFINE2(io_uring_setup, u32, entries,
		struct io_uring_params __user *, params)
{
	return 0;
}

#ifdef CONFIG_TWO
static int either(int a)
#else
static int either(int a, int b)
#endif
{
	return a;
}

#ifdef CONFIG_TWO
static int twice(int a)
{
	return a;
}
#else
static int twice(int b) {
	return b;
}
#endif

#if 0
static int left_out(void)
{
}
#endif

static void (*handler(int nr))(int)
{
	return table[nr].done;
}

static int __init with_semicolon(void)
{
	return 0;
};
__initcall(with_semicolon);

unsigned long long last(struct pair *p, const struct pair **out,
			__u64 user_data)
{
	if (!p)
		return 0;
	{
		int inner = 1;

		*out = p;
	}
	return last(p, NULL, user_data);
}
