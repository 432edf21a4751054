// SPDX-License-Identifier: Apache-2.0

// Command ringproof tests io_uring patches in a guest; inside the guest the
// same binary is PID 1.
package main

import (
	"fmt"
	"os"

	"github.com/ringproof/ringproof/vm/agent"
)

func main() {
	if agent.Dispatch() {
		return
	}
	fmt.Fprintln(os.Stderr, "ringproof: not yet")
	os.Exit(2)
}
