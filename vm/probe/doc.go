// SPDX-License-Identifier: Apache-2.0

// Package probe watches io_uring requests in the guest through eBPF. A
// [Tracer] loads and attaches the programs and reads their records; a
// [Control] in a worker process says which rings are traced; [Decode] turns
// records into events on the host.
//
// # What the events promise
//
// The order of records is the order in which the kernel's CPUs reached the
// probes. Times are read right after a record got its place, so those of two
// CPUs may be out of order by the time that takes: go by the order.
//
// Every life of a request has one EvSubmit or EvPrepFail and one EvFree. Gen
// is unlike that of any other life of the same address and grows from one to
// the next, but not always by one.
//
// EvComplete fires before the CQE is visible. A skipped CQE has no EvComplete,
// and one that overflowed has an EvOverflow that names the user_data but no
// request; both requests are still freed. The CQEs of a multishot request but
// its last, and the notification of a zero-copy send, are EvExtraCQE.
//
// EvFree is recorded at the end of the batch in which a request was freed,
// before any of its memory can be used again, last freed first: the order of
// EvFrees within a batch says nothing, and task work that the batch queued
// comes before them.
//
// EvTaskAdd may come twice for one request (a poll wakeup has a tracepoint of
// its own, with the mask in Arg) and EvTaskRun not at all, as not all kinds of
// task work pass a function that can be probed. Both are hints.
//
// EvSubmit and EvPrepFail say nothing about the group, which is not assembled
// by then. Afterwards Leader and GroupRefs are valid wherever HasGroupRefs is
// set; a member that is done may outlive its leader and then has neither.
// GroupRefs is what the leader's count was at that moment, after whatever the
// kernel did before it reached the probe, so one event may show two drops.
package probe
