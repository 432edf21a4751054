// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// A snapshot is one file: a block that describes it, then the state as QEMU
// writes it. The description is written last, so a file that was not finished
// has none, and only then the file gets its name. Nobody waits for the disk: what a
// host that crashes leaves of it fails its checksum, and the next guest boots.
const (
	snapshotMagic  = "ringproof-snap-1"
	snapshotHeader = 4096 // bytes before the state
)

// snapshotMeta describes a snapshot.
type snapshotMeta struct {
	Key     string    `json:"key"`
	Size    int64     `json:"size"`   // bytes of state
	CRC32C  uint32    `json:"crc32c"` // of the state
	Created time.Time `json:"created"`
}

// SnapshotError says why a snapshot cannot be used. The answer is to boot and
// to take a new one.
type SnapshotError struct {
	Path   string
	Reason string
}

// Error implements error.
func (e *SnapshotError) Error() string { return "snapshot " + e.Path + ": " + e.Reason }

// SnapshotKey names the state that a machine of this configuration reaches.
// Everything that a restored QEMU must share with the one that saved goes
// into it: QEMU's version, the machine, the kernel and its command line. The
// initramfs does not: what was in it is in the state, and an agent of another
// build is replaced over the channel. extra holds what else must match, such
// as the agent's settings.
func SnapshotKey(cfg Config, extra ...string) (string, error) {
	if err := cfg.complete(); err != nil {
		return "", err
	}
	kernel, err := HashFile(cfg.Kernel)
	if err != nil {
		return "", infra("name a snapshot", err)
	}
	cfg.Kernel, cfg.Initramfs = "kernel:"+kernel, "initramfs"
	h := sha256.New()
	parts := append([]string{snapshotMagic, cfg.QEMU.Path, cfg.QEMU.Version}, commandLine(cfg.concerns())...)
	if cfg.Accel == KVM {
		parts = append(parts, hostCPU())
	}
	for _, s := range append(parts, extra...) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		io.WriteString(h, s)
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// hostCPU returns what makes a CPU's guests differ from another's.
func hostCPU() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	first, _, _ := bytes.Cut(b, []byte("\n\n"))
	var keep []string
	for line := range strings.Lines(string(first)) {
		for _, k := range []string{"model", "stepping", "microcode", "flags"} {
			if strings.HasPrefix(line, k) {
				keep = append(keep, line)
			}
		}
	}
	return strings.Join(keep, "")
}

// HashFile returns the hex SHA-256 of a file: of an executable, its build ID.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Snapshot saves the machine's state to a file under key. The guest stands
// still only while QEMU writes; whatever happens to the file, the guest goes
// on afterwards. The file appears under its name only when it is complete.
func (m *Machine) Snapshot(ctx context.Context, path, key string) error {
	op := "save snapshot " + path
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return infra(op, err)
	}
	sweepPartials(filepath.Dir(path))
	f, err := os.CreateTemp(filepath.Dir(path), partialPrefix)
	if err != nil {
		return infra(op, err)
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	lock := flock.New(f.Name(), flock.SetFlag(os.O_RDONLY))
	defer lock.Close()
	lock.TryLock()
	if err := m.saveTo(ctx, f); err != nil {
		return saveError(op, err)
	}
	if err := finishSnapshot(f, key); err != nil {
		return saveError(op, err)
	}
	m.cfg.stage(StageSaved, m.PID())
	if err := os.Rename(f.Name(), path); err != nil {
		return infra(op, err)
	}
	return nil
}

func saveError(op string, err error) error {
	e := &InfraError{Op: op, Err: err}
	if errors.Is(err, unix.ENOSPC) || strings.Contains(err.Error(), "No space left") {
		e.Hint = "free some space (ringproof cache shows what the cache holds); the guest goes on without a snapshot"
	}
	return e
}

// saveTo stops the guest, has QEMU write its state behind the header, and
// lets the guest go on in any case.
func (m *Machine) saveTo(ctx context.Context, f *os.File) (err error) {
	if _, err := f.Seek(snapshotHeader, io.SeekStart); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeouts.Migrate)
	defer cancel()
	// No limit on the rate: the guest waits.
	limit := map[string]int64{"max-bandwidth": 1 << 40}
	if err := m.mon.run(ctx, "migrate-set-parameters", limit, nil); err != nil {
		return err
	}
	if err := m.mon.sendFile(ctx, "state", f); err != nil {
		return err
	}
	if err := m.mon.run(ctx, "stop", nil, nil); err != nil {
		return err
	}
	defer func() {
		cerr := m.mon.run(context.WithoutCancel(ctx), "cont", nil, nil)
		if cerr == nil {
			return
		}
		// It would stand still for ever, and look like a kernel that hangs.
		m.Close()
		if err == nil {
			err = fmt.Errorf("the guest stood still and could not be let go on, so it was ended: %w", cerr)
		}
	}()
	m.cfg.stage(StageSaving, m.PID())
	if err := m.mon.run(ctx, "migrate", map[string]string{"uri": "fd:state"}, nil); err != nil {
		return err
	}
	if err := m.awaitMigration(ctx); err != nil {
		// It must be over before the guest may go on.
		m.mon.run(context.WithoutCancel(ctx), "migrate_cancel", nil, nil)
		return err
	}
	return nil
}

// awaitMigration polls, since QEMU sends events of a migration only on request.
func (m *Machine) awaitMigration(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		var s struct {
			Status    string
			ErrorDesc string `json:"error-desc"`
		}
		if err := m.mon.run(ctx, "query-migrate", nil, &s); err != nil {
			return err
		}
		switch s.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			if s.ErrorDesc == "" {
				s.ErrorDesc = "QEMU could not write its state"
			}
			return errors.New(s.ErrorDesc)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("QEMU writes its state: %w", ctx.Err())
		case <-m.proc.done:
			return errMonitorGone
		}
	}
}

// finishSnapshot writes the description in front of the state.
func finishSnapshot(f *os.File, key string) error {
	sum, size, err := checksum(f)
	if err != nil {
		return err
	}
	if size == 0 {
		return fmt.Errorf("QEMU wrote no state: %w", unix.ENOSPC)
	}
	meta, err := json.Marshal(snapshotMeta{Key: key, Size: size, CRC32C: sum, Created: time.Now().UTC()})
	if err != nil {
		return err
	}
	block := make([]byte, snapshotHeader)
	n := copy(block, snapshotMagic+"\n")
	n += copy(block[n:], meta)
	block[n] = '\n'
	_, err = f.WriteAt(block, 0)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C and the size of the state in f.
func checksum(f *os.File) (sum uint32, size int64, err error) {
	buf := make([]byte, 1<<20)
	for {
		n, err := f.ReadAt(buf, snapshotHeader+size)
		sum = crc32.Update(sum, castagnoli, buf[:n])
		size += int64(n)
		if err == io.EOF {
			return sum, size, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// openSnapshot opens a snapshot, proves that it is whole and of the given
// key, and leaves the file at the start of the state.
func openSnapshot(path, key string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if reason := verifySnapshot(f, key); reason != "" {
		f.Close()
		return nil, &SnapshotError{Path: path, Reason: reason}
	}
	return f, nil
}

func verifySnapshot(f *os.File, key string) (reason string) {
	block := make([]byte, snapshotHeader)
	if _, err := f.ReadAt(block, 0); err != nil {
		return "it is cut short"
	}
	text, ok := strings.CutPrefix(string(block), snapshotMagic+"\n")
	if !ok {
		return "it is not a snapshot of this version of ringproof"
	}
	text, _, _ = strings.Cut(text, "\n")
	var meta snapshotMeta
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return "its description is damaged: " + err.Error()
	}
	if meta.Key != key {
		return "it belongs to another kernel, QEMU or configuration"
	}
	sum, size, err := checksum(f)
	switch {
	case err != nil:
		return "it cannot be read: " + err.Error()
	case size != meta.Size:
		return fmt.Sprintf("it holds %d bytes of state, want %d", size, meta.Size)
	case sum != meta.CRC32C:
		return "its checksum does not match: it was altered"
	}
	if _, err := f.Seek(snapshotHeader, io.SeekStart); err != nil {
		return "it cannot be read: " + err.Error()
	}
	return ""
}

const partialPrefix = ".partial-"

// sweepPartials removes what processes that were killed while saving left behind.
func sweepPartials(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, partialPrefix+"*"))
	for _, f := range files {
		st, err := os.Lstat(f)
		if err != nil || time.Since(st.ModTime()) < time.Minute {
			continue // it may not be locked yet
		}
		removeUnlocked(f, func() { os.Remove(f) })
	}
}

// Restore starts a machine from a snapshot that Snapshot saved under the same
// key with the same Config. A file that is missing, damaged or of another key
// gives a *SnapshotError or one that is fs.ErrNotExist; nothing was started then.
//
// The guest runs when Restore returns, and does not know that time has passed.
func Restore(ctx context.Context, cfg Config, path, key string) (*Machine, error) {
	cfg.stage(StageRestoring, 0)
	f, err := openSnapshot(path, key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := start(ctx, cfg, nil, f)
	if err != nil {
		return nil, err
	}
	if err := m.awaitIncoming(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// awaitIncoming waits until QEMU has loaded its state, then lets the guest run.
func (m *Machine) awaitIncoming(ctx context.Context) error {
	op := "restore a snapshot"
	ctx, cancel := context.WithTimeout(ctx, m.timeouts.Migrate)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := m.mon.status(ctx)
		if err == nil && status != "inmigrate" {
			break
		}
		if err == nil {
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			case <-m.done:
				err = errMonitorGone
			}
		}
		select {
		case <-m.proc.done:
			return infra(op, m.Exit().failure())
		default:
			return infra(op, err)
		}
	}
	if err := m.mon.run(ctx, "cont", nil, nil); err != nil {
		return infra(op, err)
	}
	return nil
}
