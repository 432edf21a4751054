// SPDX-License-Identifier: Apache-2.0
#ifndef LIST_H
#define LIST_H

static inline int wrap(int n)
{
	return n % 16;
}

/* Not changed by anybody. */
static inline int half(int n) {
	return n / 2;
}

#endif
