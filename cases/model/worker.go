// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/ringproof/ringproof/cases/uring"
)

// worker says where the request must be issued (G9).
func (e *Expectation) worker(r *Request) Worker {
	if r.Opaque {
		return WorkerEither
	}
	if r.SQE.Flags&uring.Async != 0 {
		return WorkerMust
	}
	for i := range e.Requests[:r.Index+1] {
		o := &e.Requests[i]
		if o.Ring == r.Ring && o.SQE.Flags&uring.IODrain != 0 { // drained requests go through io-wq
			return WorkerEither
		}
	}
	if forcedAsync(r.SQE.Op) || e.leftOpen(r) {
		return WorkerEither
	}
	if r.Chain >= 0 { // a worker goes on with the chain that it has begun
		for _, el := range e.Structure.Chains[r.Chain].Elements[:r.Element] {
			for _, i := range e.elementRequests(el) {
				if e.Requests[i].SQE.Flags&uring.Async != 0 || !neverBlocks(e.Requests[i].SQE.Op) {
					return WorkerEither
				}
			}
		}
	}
	return WorkerNever
}

// leftOpen tells that a link flag on the last SQE or group of its submission
// left r's chain open: io_submit_state_end() sends such a chain to io-wq.
func (e *Expectation) leftOpen(r *Request) bool {
	last := r.Index
	if r.Chain >= 0 {
		elements := e.Structure.Chains[r.Chain].Elements
		last = elements[len(elements)-1].SQE
	} else if r.Role == Member {
		last = e.Structure.Groups[r.Group].Leader
	}
	return e.Requests[last].Linked()
}
