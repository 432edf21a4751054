// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"fmt"

	"github.com/ringproof/ringproof/vm/wire"
)

// Copy has the guest compare ways to copy a file. One runs at a time; it
// takes as long as it takes, so bound ctx. The error is the guest's own
// where it could not copy or a copy was wrong, a *GuestError or
// *InfraError if the guest is lost, or ctx's error; then the guest is to be closed.
func (g *Guest) Copy(ctx context.Context, spec wire.Copy) ([]wire.CopyRun, error) {
	select {
	case g.copies <- struct{}{}:
		defer func() { <-g.copies }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := g.send(ctx, &spec); err != nil {
		return nil, err
	}
	select {
	case out := <-g.copied:
		if out.Err != "" {
			return nil, fmt.Errorf("in the guest: %s", out.Err)
		}
		return out.Runs, nil
	case <-g.down:
		return nil, g.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
