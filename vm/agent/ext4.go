// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

//go:generate sh mkext4.sh

// ext4Image is an empty ext4 filesystem of 16 MiB without a journal, made by
// mkext4.sh: the guest has no mkfs.
//
//go:embed ext4.img.gz
var ext4Image []byte

const (
	ext4Dir  = "/ext4"
	ext4Path = "/tmp/.ext4.img"
)

// mountExt4 unpacks the image and mounts it on ext4Dir by a loop device.
func mountExt4() error {
	if err := unpackExt4(ext4Path); err != nil {
		return fmt.Errorf("unpack the ext4 image: %w", err)
	}
	img, err := os.OpenFile(ext4Path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open the ext4 image: %w", err)
	}
	defer img.Close()
	ctl, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open the loop driver: %w", err)
	}
	defer ctl.Close()
	n, err := unix.IoctlRetInt(int(ctl.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return fmt.Errorf("find a free loop device: %w", err)
	}
	path := fmt.Sprintf("/dev/loop%d", n)
	loop, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open loop device: %w", err)
	}
	defer loop.Close()
	if err := unix.IoctlLoopConfigure(int(loop.Fd()), &unix.LoopConfig{Fd: uint32(img.Fd())}); err != nil {
		return fmt.Errorf("attach the ext4 image to %s: %w", path, err)
	}
	if err := os.MkdirAll(ext4Dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(path, ext4Dir, "ext4", unix.MS_NOATIME, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", path, ext4Dir, err)
	}
	return nil
}

// unpackExt4 writes the image with holes where it is zero.
func unpackExt4(path string) error {
	z, err := gzip.NewReader(bytes.NewReader(ext4Image))
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var block, zero [4096]byte
	size := int64(0)
	for {
		n, err := io.ReadFull(z, block[:])
		if n > 0 && block != zero {
			if _, err := f.WriteAt(block[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return err
		}
		clear(block[:])
	}
	return f.Truncate(size)
}
