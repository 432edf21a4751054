// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"strings"
)

var errnoNames = map[int32]string{
	EPERM: "EPERM", ENOENT: "ENOENT", EINTR: "EINTR", 5: "EIO", EBADF: "EBADF", EAGAIN: "EAGAIN",
	12: "ENOMEM", EFAULT: "EFAULT", 16: "EBUSY", EINVAL: "EINVAL", 28: "ENOSPC", ESPIPE: "ESPIPE", EPIPE: "EPIPE",
	ETIME: "ETIME", EOPNOTSUPP: "EOPNOTSUPP", 104: "ECONNRESET", 105: "ENOBUFS", EALREADY: "EALREADY",
	ECANCELED: "ECANCELED",
}

// Errno writes a result for people: -EINVAL, or the number itself.
func Errno(res int32) string {
	if name := errnoNames[-res]; res < 0 && name != "" {
		return "-" + name
	}
	return fmt.Sprint(res)
}

// String lists the results for people.
func (s Results) String() string {
	if s.Any {
		return "anything"
	}
	var words []string
	for _, r := range s.Ranges {
		if r[0] == r[1] {
			words = append(words, Errno(r[0]))
		} else {
			words = append(words, fmt.Sprintf("%d to %d", r[0], r[1]))
		}
	}
	if s.Mask != 0 {
		words = append(words, fmt.Sprintf("bits of %#x", s.Mask))
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " or ")
}
