// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bufio"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// node is an entry of the initramfs beside /init.
type node struct {
	name         string
	mode         uint32
	major, minor uint32
}

// nodes are what PID 1 needs before it has mounted anything. The console has
// to exist before /init starts, or it has no standard output.
var nodes = []node{
	{name: "dev", mode: unix.S_IFDIR | 0o755},
	{name: "dev/console", mode: unix.S_IFCHR | 0o600, major: 5, minor: 1},
	{name: "dev/null", mode: unix.S_IFCHR | 0o666, major: 1, minor: 3},
	{name: "mnt", mode: unix.S_IFDIR | 0o755},
	{name: "proc", mode: unix.S_IFDIR | 0o755},
	{name: "run", mode: unix.S_IFDIR | 0o755},
	{name: "sys", mode: unix.S_IFDIR | 0o755},
	{name: "tmp", mode: unix.S_IFDIR | 0o1777},
}

// WriteInitramfs writes an initramfs whose /init is the static program read
// from init, size bytes long. Equal programs give equal archives.
//
// The format is newc (Documentation/driver-api/early-userspace/buffer-format.rst),
// uncompressed: under emulation unpacking costs more than reading. It is
// written by hand since the cpio libraries cannot write device nodes.
func WriteInitramfs(w io.Writer, init io.Reader, size int64) error {
	c := &newc{w: bufio.NewWriterSize(w, 1<<20)}
	for _, n := range nodes {
		c.header(n, 0)
	}
	c.header(node{name: "init", mode: unix.S_IFREG | 0o755}, size)
	n, err := io.Copy(c.w, init)
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("the program has %d bytes, not %d: did it change meanwhile?", n, size)
	}
	c.off += n
	c.pad()
	c.header(node{name: "TRAILER!!!"}, 0)
	return c.w.Flush()
}

// newc writes cpio headers; errors stick to w and come out of Flush.
type newc struct {
	w   *bufio.Writer
	off int64
	ino uint32
}

func (c *newc) header(n node, size int64) {
	c.ino++
	k, _ := fmt.Fprintf(c.w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, n.mode, 0, 0, 1, 0, size, 0, 0, n.major, n.minor, len(n.name)+1, 0, n.name)
	c.off += int64(k)
	c.pad()
}

// pad aligns to 4 bytes.
func (c *newc) pad() {
	for ; c.off%4 != 0; c.off++ {
		c.w.WriteByte(0)
	}
}

// Initramfs returns the path of an initramfs around the given static program,
// or around the running one where binary is empty. It is kept in the cache
// under the program's hash. The caller unlocks it when it is no longer used.
func (s *Store) Initramfs(ctx context.Context, binary string) (path string, held *Lock, err error) {
	if binary == "" {
		binary = "/proc/self/exe"
	}
	op := "make the initramfs of " + binary
	sum, size, err := hashFile(binary)
	if err != nil {
		return "", nil, s.infra(op, err)
	}
	if size >= 1<<32 {
		return "", nil, s.infra(op, fmt.Errorf("%d bytes are too many for a cpio archive", size))
	}
	if err := checkStatic(binary); err != nil {
		return "", nil, s.infra(op, err)
	}
	name := fmt.Sprintf("%d-%s", recipe, sum[:32])
	dir := filepath.Join(s.dir, kindInitramfs, name)
	path = filepath.Join(dir, "initramfs.cpio")
	for range 3 {
		held, err = s.Lock(ctx, kindInitramfs, name, false, nil)
		if err != nil {
			return "", nil, err
		}
		if checkSum(path) == nil {
			touchUsed(dir)
			return path, held, nil
		}
		held.Unlock()
		if err := s.writeInitramfs(ctx, name, path, binary, size); err != nil {
			return "", nil, s.infra(op, err)
		}
	}
	return "", nil, s.infra(op, fmt.Errorf("%s keeps disappearing", path))
}

// checkStatic refuses a program that needs a dynamic linker: the guest has
// none, and would look like a kernel that can't start PID 1.
func checkStatic(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := elf.NewFile(in)
	if err != nil {
		return nil // no ELF, but the kernel knows more formats
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("the program is linked dynamically, and a guest has no libraries: build it with CGO_ENABLED=0, as `make build` does")
		}
	}
	return nil
}

func (s *Store) writeInitramfs(ctx context.Context, name, path, binary string, size int64) error {
	l, err := s.lockMaking(ctx, kindInitramfs, name, nil)
	if err != nil {
		return err
	}
	defer l.Unlock()
	if checkSum(path) == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := os.Open(binary)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := filepath.Join(filepath.Dir(path), tmpPrefix+"initramfs")
	out, err := os.Create(tmp)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	err = WriteInitramfs(out, in, size)
	if err == nil {
		err = out.Sync()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	sum, n, err := hashFile(path)
	if err != nil {
		return err
	}
	return writeJSON(path+".sum", fileSum{n, sum})
}

// checkSum compares a file with the checksum stored beside it.
func checkSum(path string) error {
	var want fileSum
	if err := readJSON(path+".sum", &want); err != nil {
		return err
	}
	return verifyFile(path, want)
}
