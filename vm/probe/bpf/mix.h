/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RINGPROOF_MIX_H
#define RINGPROOF_MIX_H

/* The finalizer of splitmix64: mix() of package noise. */
static __always_inline __u64 mix(__u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

#endif
