// SPDX-License-Identifier: Apache-2.0

//go:build ignore

// Runs `go test -json` with the given arguments and prints what a reader
// needs: the packages as they finish, the output of what failed, the reasons
// of skips, and at the end one line "N passed, N failed, N skipped".
// Its exit status is that of go test.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "start go test: %v\n", err)
		os.Exit(3)
	}

	output := map[[2]string]string{}
	failedIn := map[string]bool{} // packages with a failed test
	var passed, failed, skipped int
	scan := bufio.NewScanner(pipe)
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil {
			fmt.Println(scan.Text()) // not an event: a message of the go command itself
			continue
		}
		key := [2]string{e.Package + e.ImportPath, e.Test}
		switch e.Action {
		case "output", "build-output":
			output[key] += e.Output
			continue
		case "build-fail":
			fmt.Print(output[key])
			continue
		case "pass", "fail", "skip":
		default:
			continue
		}
		switch {
		case e.Test == "" && e.Action == "pass":
			fmt.Printf("ok    %s  %.1fs\n", e.Package, e.Elapsed)
		case e.Test == "" && e.Action == "fail":
			fmt.Print(output[key])
			if !failedIn[e.Package] {
				failed++ // the package itself: it did not build, or left without a verdict
			}
		case e.Action == "pass":
			passed++
		case e.Action == "fail":
			failed++
			failedIn[e.Package] = true
			fmt.Print(output[key])
		case e.Action == "skip" && e.Test != "":
			skipped++
			for _, line := range strings.Split(output[key], "\n") {
				if line != "" && !strings.HasPrefix(line, "=== ") && !strings.Contains(line, "--- SKIP") {
					fmt.Printf("skip  %s: %s\n", e.Test, strings.TrimSpace(line))
				}
			}
		}
		delete(output, key)
	}
	err = cmd.Wait()
	if err != nil && failed == 0 {
		failed = 1
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if err != nil || failed > 0 {
		os.Exit(1)
	}
}
