// SPDX-License-Identifier: Apache-2.0

// Command generate writes the programs of cases/families into a directory,
// and removes those that no family writes any more.
package main

import (
	"fmt"
	"os"

	"github.com/ringproof/ringproof/cases/families"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate DIRECTORY")
		os.Exit(2)
	}
	n, err := families.Update(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
	fmt.Printf("%d programs in %s are written by cases/families\n", n, os.Args[1])
}
