// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"sync"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness/reach"
)

// collector gathers what the programs of a run reach.
type collector struct {
	mu  sync.Mutex
	all reach.Collected
}

func (c *collector) add(of *cases.Coverage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.Add(of)
}

func (c *collector) report(ctx context.Context, host *Host, spec *TestSpec) error {
	// An interrupted run is told about, too.
	tree, err := host.store.Tree(context.WithoutCancel(ctx), spec.Kernel)
	if err != nil {
		return err
	}
	defer tree.Close()
	m, err := reach.New(host.Kernel.Vmlinux, tree)
	if err != nil {
		return err
	}
	return spec.Reached(m, m.Report(&c.all))
}
