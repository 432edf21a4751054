// SPDX-License-Identifier: Apache-2.0

// Command agent is a stand-in for the real agent, for tests of package vm: it
// answers at once, runs nothing, and misbehaves on demand. The name of a
// program says how.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/vm/wire"
)

// portFile hides that the port reads as empty while no host is connected.
type portFile struct{ *os.File }

func (p portFile) Read(b []byte) (int, error) {
	for {
		n, err := p.File.Read(b)
		if n > 0 || err != nil && err != io.EOF {
			return n, err
		}
		time.Sleep(time.Millisecond)
	}
}

func main() {
	for _, m := range [][2]string{{"devtmpfs", "/dev"}, {"sysfs", "/sys"}, {"proc", "/proc"}, {"tmpfs", "/tmp"}} {
		os.MkdirAll(m[1], 0o755)
		if _, err := os.Stat(m[1] + "/self"); err == nil {
			continue // mounted before a push
		}
		unix.Mount(m[0], m[1], m[0], 0, "")
	}
	port, err := openPort()
	if err != nil {
		fmt.Println("test agent:", err)
		select {}
	}
	a := &agent{conn: wire.NewConn(portFile{port}), port: port}
	exe, _ := os.ReadFile("/proc/self/exe")
	sum := sha256.Sum256(exe)
	a.build = hex.EncodeToString(sum[:])
	fmt.Println("test agent: serving", a.serve())
	select {}
}

// portEnv holds the descriptor of the port that a replaced agent left open.
const portEnv = "TEST_AGENT_PORT"

func openPort() (*os.File, error) {
	if fd, err := strconv.Atoi(os.Getenv(portEnv)); err == nil {
		return os.NewFile(uintptr(fd), wire.PortName), nil
	}
	for range 5000 {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, n := range names {
			b, _ := os.ReadFile(n)
			if strings.TrimSpace(string(b)) == wire.PortName {
				return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(n)), os.O_RDWR, 0)
			}
		}
		time.Sleep(time.Millisecond)
	}
	return nil, fmt.Errorf("no port named %s", wire.PortName)
}

type agent struct {
	conn  *wire.Conn
	port  *os.File
	build string
	push  *wire.Push
	exe   bytes.Buffer
}

func (a *agent) serve() error {
	for {
		msg, err := a.conn.Recv()
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *wire.Hello:
			a.conn.Send(&wire.Hello{Version: wire.Version, BuildID: a.build, Nonce: m.Nonce,
				Guest: &wire.GuestInfo{Release: "test", CPUs: 2}})
		case *wire.Ping:
			a.conn.Send(&wire.Pong{Nonce: m.Nonce})
		case *wire.Push:
			a.push = m
		case *wire.PushData:
			a.exe.Write(m.Data)
			if int64(a.exe.Len()) == a.push.Size {
				a.become()
			}
		case *wire.Shell:
			a.conn.Send(&wire.ShellOutput{Text: "did " + m.Line})
		case *wire.PowerOff:
			unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
		case *wire.Run:
			a.run(m)
		}
	}
}

func (a *agent) become() {
	sum := sha256.Sum256(a.exe.Bytes())
	os.WriteFile("/tmp/agent", a.exe.Bytes(), 0o755)
	a.conn.Send(&wire.PushDone{SHA256: hex.EncodeToString(sum[:])})
	// The port stays open: closing it would drop what the host sends from now on.
	fd, err := unix.Dup(int(a.port.Fd()))
	if err == nil {
		err = unix.Exec("/tmp/agent", []string{"/init"}, append(os.Environ(), fmt.Sprintf("%s=%d", portEnv, fd)))
	}
	fmt.Println("test agent: exec:", err)
}

// kmsg writes a line into the kernel's log. Without a newline the kernel would
// wait for more of it.
func kmsg(line string) error {
	f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line)
	return err
}

// flood prints n numbered lines as the kernel.
func flood(n int) error {
	// By default the kernel lets a process print some lines per second only.
	if err := os.WriteFile("/proc/sys/kernel/printk_devkmsg", []byte("on\n"), 0); err != nil {
		return err
	}
	for i := range n {
		if err := kmsg(fmt.Sprintf("<4>line %d of a flood\n", i)); err != nil {
			return err
		}
	}
	return nil
}

// oversized is the sound header of a frame that announces more than any frame may hold.
func oversized() []byte {
	le := binary.LittleEndian
	h := append([]byte{'R', 'P', wire.Format, 6}, make([]byte, wire.HeaderLen-4)...)
	le.PutUint32(h[4:], 0xffffffff)
	sum := fnv.New32a()
	sum.Write(h[:wire.HeaderLen-4])
	le.PutUint32(h[wire.HeaderLen-4:], sum.Sum32())
	return h
}

func (a *agent) run(m *wire.Run) {
	ran := &wire.Ran{ID: m.ID, Outcome: cases.Outcome{End: cases.EndDone}}
	switch m.Program.Name {
	case "panic":
		os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
	case "power-off":
		unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case "reset":
		unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	case "silent":
		kmsg("falling silent\n")
		time.Sleep(time.Hour)
	case "lost":
		return
	case "garbage":
		a.port.Write([]byte("Segmentation fault\n"))
	case "oversized":
		a.port.Write(oversized())
	case "print":
		if err := kmsg("<4>a line of " + m.Program.About + "\n"); err != nil {
			ran.Outcome.End, ran.Outcome.Error = cases.EndError, err.Error()
		}
	case "flood":
		if err := flood(m.Program.Steps[0].N); err != nil {
			ran.Outcome.End, ran.Outcome.Error = cases.EndError, err.Error()
		}
		a.conn.Send(&wire.Log{Text: "flooded"})
	case "fatal":
		ran.Fatal = true
	case "log":
		a.conn.Send(&wire.Log{Text: m.Program.About})
	}
	a.conn.Send(ran)
}
