// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ringproof/ringproof/harness"
)

type benchCopyCmd struct {
	kernelFlags
	guestFlags
	Size       byteSize `default:"4M" help:"Size of the file, in bytes or with k or M; up to 6M. Default: ${default}."`
	Block      byteSize `default:"4k" help:"Size of a read, a multiple of 4k. Default: ${default}."`
	QueueDepth int      `default:"16" help:"Reads on their way at once, a multiple of 4. Default: ${default}."`
	Rounds     int      `default:"24" help:"How often each way to copy is timed, a multiple of 4 from 8 on. Default: ${default}."`
	JSON       bool     `help:"One JSON object, with every repetition."`
}

func (c *benchCopyCmd) Run(ctx context.Context, s *streams) error {
	p := newProgress(s.err)
	defer p.close()
	b, err := harness.BenchCopy(ctx, harness.CopySpec{
		Kernel: c.kernel(), Guest: c.guests(), Progress: p.event,
		Size: int(c.Size), Block: int(c.Block), QueueDepth: c.QueueDepth, Rounds: c.Rounds,
	})
	p.close()
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", " ")
		return e.Encode(b)
	}
	return writeCopy(s.out, b)
}

// writeCopy prints the comparison as Markdown.
func writeCopy(w io.Writer, b *harness.CopyBench) error {
	var t strings.Builder
	fmt.Fprintf(&t, "Copying %s in reads of %s, queue depth %d, series %s, %s, flavour %s, %s.\n\n",
		byteSize(b.Size), byteSize(b.Block), b.QueueDepth, b.Series, b.Kernel, b.Flavour, strings.ToUpper(b.Accel))
	t.WriteString("| files | way to copy | MB/s | quartiles | SQEs | enters |\n|---|---|---:|---:|---:|---:|\n")
	for _, f := range b.Files {
		for _, y := range f.Ways {
			fmt.Fprintf(&t, "| %s | %s: %s | %.1f | %.1f to %.1f | %d | %.0f |\n",
				copyTitle(&f), y.Name, y.About, y.MBs.Median, y.MBs.Q1, y.MBs.Q3, y.SQEs, y.Enters.Median)
		}
	}
	t.WriteString("\n| files | grouped against | ratio | quartiles | 95% | n | |\n|---|---|---:|---:|---:|---:|---|\n")
	for _, f := range b.Files {
		for _, r := range f.Ratios {
			fmt.Fprintf(&t, "| %s | %s | %.3f | %.3f to %.3f | %.3f to %.3f | %d | %s |\n",
				copyTitle(&f), r.Against, r.Median, r.Q1, r.Q3, r.Low, r.High, r.N, r.Says())
		}
	}
	t.WriteString("\n")
	for _, m := range b.Method {
		fmt.Fprintf(&t, "- %s\n", m)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

func copyTitle(f *harness.CopyFile) string {
	if f.Direct {
		return f.FS + ", O_DIRECT"
	}
	return f.FS + ", buffered"
}

// byteSize is a number of bytes, written with k or M for 1024 and its square.
type byteSize int

func (b *byteSize) UnmarshalText(text []byte) error {
	digits, factor := string(text), 1
	if n := len(digits); n > 0 {
		switch digits[n-1] {
		case 'k', 'K':
			digits, factor = digits[:n-1], 1<<10
		case 'M':
			digits, factor = digits[:n-1], 1<<20
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 || n > 1<<30/factor {
		return fmt.Errorf("%q is no number of bytes: use one such as 4096, 64k or 4M", text)
	}
	*b = byteSize(n * factor)
	return nil
}

func (b byteSize) String() string {
	switch {
	case b >= 1<<20 && b%(1<<20) == 0:
		return strconv.Itoa(int(b>>20)) + " MiB"
	case b >= 1<<10 && b%(1<<10) == 0:
		return strconv.Itoa(int(b>>10)) + " KiB"
	}
	return strconv.Itoa(int(b)) + " bytes"
}
