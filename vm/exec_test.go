// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringproof/ringproof/vm/wire"
)

type execResult struct {
	out *Executed
	err error
}

func goExec(ctx context.Context, g *Guest, o ExecOptions) <-chan execResult {
	c := make(chan execResult, 1)
	go func() {
		out, err := g.Exec(ctx, []byte("binary"), o)
		c <- execResult{out, err}
	}()
	return c
}

func TestExec(t *testing.T) {
	g, p := fakeGuest(t, 2)
	x := goExec(t.Context(), g, ExecOptions{Args: []string{"5"}, Bound: time.Second, Mutant: 7})
	m := next[wire.Exec](p)
	if string(m.Binary) != "binary" || !cmp.Equal(m.Args, []string{"5"}) || m.Bound != time.Second || m.Mutant != 7 || m.ID == 0 {
		t.Errorf("sent %+v", m)
	}
	// Nothing else runs meanwhile.
	ran := goRun(g, "a", RunOptions{})
	p.body.tty.WriteString("WARNING: of the executable\n")
	p.send(&wire.Execed{ID: m.ID, Output: []byte("words"), Status: 1})
	r := <-x
	if r.err != nil || r.out.Status != 1 || string(r.out.Output) != "words" || !cmp.Equal(r.out.Console, []string{"WARNING: of the executable"}) {
		t.Errorf("got %+v, %v", r.out, r.err)
	}
	p.send(&wire.Ran{ID: next[wire.Run](p).ID})
	if r := <-ran; r.err != nil || r.out.Console != nil {
		t.Errorf("the program behind it: %+v, %v", r.out, r.err)
	}

	x = goExec(t.Context(), g, ExecOptions{Bound: time.Second})
	p.send(&wire.Execed{ID: next[wire.Exec](p).ID, Err: "no memory"})
	if r := <-x; r.err == nil || !strings.Contains(r.err.Error(), "no memory") || g.Err() != nil {
		t.Errorf("could not be run: %+v, %v; guest %v", r.out, r.err, g.Err())
	}
	if _, err := g.Exec(t.Context(), nil, ExecOptions{Bound: time.Second}); err == nil {
		t.Error("nothing is run")
	}
}

// What an executable leaves behind makes the guest unfit, and its own answer is still heard.
func TestExecStuck(t *testing.T) {
	g, p := fakeGuest(t, 2)
	x := goExec(t.Context(), g, ExecOptions{Bound: time.Second})
	p.send(&wire.Execed{ID: next[wire.Exec](p).ID, Late: true, Stuck: true})
	if r := <-x; r.err != nil || !r.out.Stuck {
		t.Errorf("got %+v, %v", r.out, r.err)
	}
	var ge *GuestError
	if _, err := g.Exec(t.Context(), []byte("binary"), ExecOptions{Bound: time.Second}); !errors.As(err, &ge) || ge.Kind != GuestRetired {
		t.Errorf("got %v, want a retired guest", err)
	}
}

// Who stops waiting for an executable cannot use the guest any more: it may still run.
func TestExecCancelled(t *testing.T) {
	g, p := fakeGuest(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	x := goExec(ctx, g, ExecOptions{Bound: time.Second})
	next[wire.Exec](p)
	cancel()
	if r := <-x; !errors.Is(r.err, context.Canceled) {
		t.Errorf("got %v", r.err)
	}
	<-g.Down()
}

// The answer to one kind of call is none to another.
func TestExecAnsweredWrongly(t *testing.T) {
	for _, test := range []struct {
		name string
		call func(g *Guest, p *peer) (wait func() error)
	}{
		{"a Ran for an Exec", func(g *Guest, p *peer) func() error {
			x := goExec(t.Context(), g, ExecOptions{Bound: time.Second})
			p.send(&wire.Ran{ID: next[wire.Exec](p).ID})
			return func() error { return (<-x).err }
		}},
		{"an Execed for a Run", func(g *Guest, p *peer) func() error {
			x := goRun(g, "a", RunOptions{})
			p.send(&wire.Execed{ID: next[wire.Run](p).ID})
			return func() error { return (<-x).err }
		}},
		{"an Execed for nothing", func(g *Guest, p *peer) func() error {
			p.send(&wire.Execed{ID: 99})
			return func() error { <-g.Down(); return g.Err() }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, p := fakeGuest(t, 1)
			var ge *GuestError
			if err := test.call(g, p)(); !errors.As(err, &ge) || ge.Kind != GuestGarbage {
				t.Errorf("got %v, want garbage", err)
			}
		})
	}
}
