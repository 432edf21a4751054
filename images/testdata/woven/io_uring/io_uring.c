// SPDX-License-Identifier: Apache-2.0
/* A program in the kernel's style, to weave mutants into. What it prints depends on all of its functions. */
#include <stdio.h>
#include <stdlib.h>

#define noinline	__attribute__((__noinline__))
#define __cold		__attribute__((__cold__))
#define __must_hold(x)
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))
#define HERE()		(printf("%s:%d ", __FILE__, __LINE__))

#include "list.h"

struct point {
	int x, y;
};

typedef int (*step_fn)(int);

/* Set by the test, whether mutants are woven in or not. */
int io_uring_mutant __attribute__((__weak__));

static int add(int a, int b)
{
	HERE();
	return a + b;
}

static __cold void report(const char *what, int (*const f)(int, int),
			  struct point p[2])
	__must_hold(&lock)
{
	static int calls;

	HERE();
#ifdef LOUD
	puts(what);
#else
	printf("%s %d %d\n", what, ++calls, f(p[0].x, p[1].y));
#endif
}

struct point shift(struct point p,
		   int by)
{
	p.x = add(p.x, by);
	p.y = wrap(p.y + by);
	return p;
}

static unsigned long fact(unsigned long n)
{
	HERE();
	if (n <= 1)
		return 1;
	return n * fact(n - 1);
}

static int twice(int n)
{
	return half(4 * n);
}

static step_fn steps[] = { twice };

static void nothing(void)
{
}

static int count(int n, ...)
{
	return n;
}

int main(int argc, char **argv)
{
	struct point p[2] = { { 1, 2 }, { 3, 14 } };

	io_uring_mutant = argc > 1 ? atoi(argv[1]) : 0;
	nothing();
	count(1, 2);
	p[1] = shift(p[1], 11);
	report("point", add, p);
	report("again", add, p);
	printf("%lu %d\n", fact(5), steps[0](21));
	HERE();
	return 0;
}
