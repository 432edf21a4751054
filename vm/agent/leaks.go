// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// leakAge is how old memory must be before kmemleak calls it leaked
// (MSECS_MIN_AGE in mm/kmemleak.c).
const leakAge = 5 * time.Second

// cmdLeaks lists memory that nothing refers to, as kmemleak prints it, with the
// time of each allocation on the clock of the probes. It scans
// twice: the first scan only takes the checksums that the second one compares.
func cmdLeaks(w io.Writer, root string, _ []string) error {
	file := filepath.Join(root, "/sys/kernel/debug/kmemleak")
	start := time.Now()
	first, err := readTicks(root)
	if err != nil {
		return fmt.Errorf("leaks: %w", err)
	}
	for i := range 2 {
		if i > 0 {
			time.Sleep(leakAge - time.Since(start))
		}
		if err := os.WriteFile(file, []byte("scan"), 0); errors.Is(err, fs.ErrNotExist) {
			return errors.New("leaks: this kernel has no kmemleak: flavour kasan has")
		} else if err != nil {
			return fmt.Errorf("leaks: scan: %w", err)
		}
	}
	last, err := readTicks(root)
	if err != nil {
		return fmt.Errorf("leaks: %w", err)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return annotateLeaks(w, io.LimitReader(f, maxOutput), last, last.rate(first))
}

// ticks is one reading of the kernel's two clocks.
type ticks struct {
	jiffies uint64
	now     time.Duration // CLOCK_MONOTONIC
}

var (
	nowLine     = regexp.MustCompile(`(?m)^now at (\d+) nsecs`)
	jiffiesLine = regexp.MustCompile(`(?m)^jiffies: (\d+)`)
)

func readTicks(root string) (t ticks, err error) {
	text, err := os.ReadFile(filepath.Join(root, "/proc/timer_list"))
	if err != nil {
		return t, err
	}
	now, jiffies := nowLine.FindSubmatch(text), jiffiesLine.FindSubmatch(text)
	if now == nil || jiffies == nil {
		return t, errors.New("/proc/timer_list does not tell the time in jiffies")
	}
	ns, err := strconv.ParseInt(string(now[1]), 10, 64)
	if err != nil {
		return t, err
	}
	t.now = time.Duration(ns)
	t.jiffies, err = strconv.ParseUint(string(jiffies[1]), 10, 64)
	return t, err
}

// rate returns the length of a jiffy, from a reading some seconds earlier:
// CONFIG_HZ is one of four.
func (t ticks) rate(before ticks) time.Duration {
	per := float64(t.jiffies-before.jiffies) / (t.now - before.now).Seconds()
	best := 100
	for _, hz := range []int{250, 300, 1000} {
		if diff(per, hz) < diff(per, best) {
			best = hz
		}
	}
	return time.Second / time.Duration(best)
}

func diff(a float64, b int) float64 { return max(a-float64(b), float64(b)-a) }

var bornLine = regexp.MustCompile(`^  comm .*, jiffies (\d+)$`)

// annotateLeaks copies kmemleak's list and says in each object's second line
// when it was allocated, in nanoseconds, and how much later that may have been:
// "…, jiffies 4294937438 (at 12345000000 ns, within 4000000)".
func annotateLeaks(w io.Writer, list io.Reader, now ticks, jiffy time.Duration) error {
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		line := lines.Text()
		if m := bornLine.FindStringSubmatch(line); m != nil {
			if born, err := strconv.ParseUint(m[1], 10, 64); err == nil {
				line += fmt.Sprintf(" (at %d ns, within %d)", int64(now.now-time.Duration(now.jiffies-born)*jiffy), int64(jiffy))
			}
		}
		if _, err := io.WriteString(w, strings.TrimRight(line, " ")+"\n"); err != nil {
			return err
		}
	}
	return lines.Err()
}
