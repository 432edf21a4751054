// SPDX-License-Identifier: Apache-2.0

// Package kcov collects which places of the kernel a program reached, by KCOV
// (Documentation/dev-tools/kcov.rst), reduces what was collected to distinct
// places and edges, and packs that for its way to the host.
//
// A KCOV descriptor belongs to one task at a time. A [Set] has one for each task
// of a program, and one for the tasks that the kernel makes on the
// process's behalf or that do not ask any more: io-wq workers, SQPOLL threads,
// exiting tasks. Those are collected under the process's ID if the kernel has the
// instrument coverage-tasks, see images/instrument/README.md.
//
// PID 1 opens the set and hands its descriptors to a worker process. So the
// buffers outlive the worker, and what a program that ended its
// process reached is not lost.
package kcov
