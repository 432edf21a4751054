// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// socketPair returns a connection and the file of its other end, which a child inherits.
func socketPair(name string) (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair for the %s: %w", name, err)
	}
	near := os.NewFile(uintptr(fds[0]), name)
	far := os.NewFile(uintptr(fds[1]), name)
	defer near.Close() // FileConn duplicates it
	conn, err := net.FileConn(near)
	if err != nil {
		far.Close()
		return nil, nil, fmt.Errorf("make a socket pair for the %s: %w", name, err)
	}
	return conn.(*net.UnixConn), far, nil
}

const (
	socketDirPrefix = "ringproof-qmp-"
	socketName      = "qmp"
	// maxSunPath is the size of sockaddr_un.sun_path with its final zero byte.
	maxSunPath = 108
)

// socketDir is a private directory that holds one listening socket. It exists
// only while a QEMU starts: go-qemu connects by path, and once it is connected
// nobody else may.
type socketDir struct {
	path string
	lock *flock.Flock
	ln   *net.UnixListener
}

// newSocketDir makes a directory of mode 0700 with a listening socket in it,
// and removes the directories that killed processes left behind.
func newSocketDir(base string) (*socketDir, error) {
	if len(base)+len("/"+socketDirPrefix+"0000000000/"+socketName) >= maxSunPath {
		base = "/tmp"
	}
	sweepSocketDirs(base)
	path, err := os.MkdirTemp(base, socketDirPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a directory for the QMP socket: %w", err)
	}
	d := &socketDir{path: path, lock: flock.New(filepath.Join(path, "lock"))}
	if ok, err := d.lock.TryLock(); err != nil || !ok {
		d.remove()
		return nil, fmt.Errorf("lock %s: %w", d.lock.Path(), err)
	}
	d.ln, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: d.socket()})
	if err != nil {
		d.remove()
		return nil, fmt.Errorf("listen on the QMP socket: %w", err)
	}
	d.ln.SetUnlinkOnClose(false) // QEMU goes on listening on it
	return d, nil
}

func (d *socketDir) socket() string { return filepath.Join(d.path, socketName) }

// remove deletes the directory; the connections made by it stay.
func (d *socketDir) remove() {
	if d.ln != nil {
		d.ln.Close()
	}
	os.RemoveAll(d.path)
	d.lock.Close()
}

// sweepSocketDirs removes directories whose owner is gone: those whose lock is
// free. A directory without a lock may be one that is being made.
func sweepSocketDirs(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, socketDirPrefix+"*"))
	for _, dir := range dirs {
		st, err := os.Lstat(dir)
		if err != nil || !st.IsDir() || !ownedByUs(st) {
			continue
		}
		name := filepath.Join(dir, "lock")
		if _, err := os.Lstat(name); err != nil {
			if time.Since(st.ModTime()) > time.Minute {
				os.RemoveAll(dir)
			}
			continue
		}
		removeUnlocked(name, func() { os.RemoveAll(dir) })
	}
}

// removeUnlocked calls remove if nobody holds the lock on the file.
func removeUnlocked(lockFile string, remove func()) {
	l := flock.New(lockFile, flock.SetFlag(os.O_RDONLY))
	defer l.Close()
	if ok, err := l.TryLock(); err == nil && ok {
		remove()
	}
}

func ownedByUs(st os.FileInfo) bool {
	s, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}
