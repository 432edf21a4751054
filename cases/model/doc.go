// SPDX-License-Identifier: Apache-2.0

// Package model is the executable specification of io_uring's link, group
// and drain semantics. Given a Program and a Profile it says what must hold
// of every run: which CQEs must and may come with which results, and which
// point of one request's life must come before which of another. It yields
// constraints, a partial order, never one canned trace, since a kernel is
// free to complete in many orders.
package model
