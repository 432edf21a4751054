// SPDX-License-Identifier: Apache-2.0

package judge

import "github.com/ringproof/ringproof/harness/crash"

// Complaint finds the first kernel complaint in console lines: [crash.Title].
func Complaint(lines []string) (title string, ok bool) { return crash.Title(lines) }
