// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
)

// null_blk devices are made and removed through configfs, see
// Documentation/block/null_blk.rst.
const nullBlkDir = "/sys/kernel/config/nullb"

// makeNullBlk makes a device backed by memory and opens it.
func (e *execution) makeNullBlk(spec *cases.Resource, r *resource) error {
	r.device = e.x.own()
	dir := filepath.Join(nullBlkDir, r.device)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make a null_blk device: %w", err)
	}
	attrs := []attr{
		{"size", strconv.Itoa(cases.NullBlkSize >> 20)},
		{"memory_backed", "1"},
		{"blocksize", "512"},
	}
	if spec.Poll {
		attrs = append(attrs, attr{"poll_queues", "1"})
	}
	if delay := e.scaled(spec.Delay) + e.din.disk(e.prog, spec); delay > 0 {
		attrs = append(attrs, attr{"irqmode", "2"}, // NULL_IRQ_TIMER
			attr{"completion_nsec", strconv.FormatInt(int64(delay), 10)})
	}
	for _, a := range append(attrs, attr{"power", "1"}) {
		if err := os.WriteFile(filepath.Join(dir, a.file), []byte(a.value), 0); err != nil {
			return fmt.Errorf("set the null_blk device's %s to %s: %w", a.file, a.value, err)
		}
	}
	// The device has the name of its directory under /sys/kernel/config, but for its node, which has a number.
	index, err := os.ReadFile(filepath.Join(dir, "index"))
	if err != nil {
		return fmt.Errorf("find the null_blk device's number: %w", err)
	}
	for _, path := range []string{"/dev/" + r.device, "/dev/nullb" + strings.TrimSpace(string(index))} {
		flags := unix.O_RDWR
		if spec.Direct {
			flags |= unix.O_DIRECT
		}
		if err = fillDevice(path, spec); err != nil {
			continue
		}
		if r.fds[0], err = unix.Open(path, flags, 0); err == nil {
			return nil
		}
	}
	return fmt.Errorf("open the null_blk device: %w", err)
}

// fillDevice writes a device's first content and closes it, which brings it to the device.
func fillDevice(path string, spec *cases.Resource) error {
	fd, err := unix.Open(path, unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return writeFill(fd, spec)
}

// removeNullBlk removes a device. Requests of a ring that is being torn down
// may hold it for a while; then it goes with the worker's leftovers.
func removeNullBlk(name string) error {
	dir := filepath.Join(nullBlkDir, name)
	os.WriteFile(filepath.Join(dir, "power"), []byte("0"), 0)
	return unix.Rmdir(dir)
}

// nullBlkMissing says why devices cannot be made, "" if they can.
func nullBlkMissing() string {
	if _, err := os.Stat(nullBlkDir); err != nil {
		return fmt.Sprintf("null_blk: %v", err)
	}
	return ""
}

// leftoverPrefix begins the names of what a worker makes outside of its own process.
func leftoverPrefix(pid int) string { return fmt.Sprintf("ringproof-%d-", pid) }

// removeLeftovers takes away what a worker that is gone has left behind.
func removeLeftovers(pid int) {
	prefix := leftoverPrefix(pid)
	for _, dir := range fileDirs {
		paths, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
		for _, p := range paths {
			os.RemoveAll(p)
		}
	}
	devices, _ := filepath.Glob(filepath.Join(nullBlkDir, prefix+"*"))
	for _, d := range devices {
		removeNullBlk(filepath.Base(d))
	}
}
