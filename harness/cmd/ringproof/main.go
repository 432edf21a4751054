// SPDX-License-Identifier: Apache-2.0

// Command ringproof tests io_uring patches in a guest; inside the guest the
// same binary is PID 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ringproof/ringproof/cases"
	"github.com/ringproof/ringproof/harness"
	"github.com/ringproof/ringproof/images"
	"github.com/ringproof/ringproof/kconfig"
	"github.com/ringproof/ringproof/vm/agent"
)

// version is set by the linker.
var version = "unknown"

// Exit statuses of every command.
const (
	exitOK           = 0
	exitFailed       = 1 // something failed, crashed or hung
	exitUsage        = 2 // the command line, a series, a .ring file
	exitInfra        = 3 // our side broke: QEMU, disk, packages
	exitInconclusive = 4 // the evidence has holes, or the run was interrupted
)

// exit is an error that carries an exit status of its own; a nil err says nothing more.
type exit struct {
	status int
	err    error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

type commandLine struct {
	Doctor      doctorCmd      `cmd:"" help:"What this host has and lacks, and the command that fixes it."`
	Kernel      kernelCmd      `cmd:"" help:"Build kernels: source + series + flavour → image."`
	Test        testCmd        `cmd:"" help:"The main job: build, boot, run the catalogue, judge, report."`
	Run         runCmd         `cmd:"" help:"Run your own programs: CQEs, timeline, verdict."`
	Minimize    minimizeCmd    `cmd:"" help:"The smallest program that still shows what one shows."`
	Repro       reproCmd       `cmd:"" help:"How often each form of a finding shows it: program, corpus entry, C source."`
	Fuzz        fuzzCmd        `cmd:"" help:"Guided fuzzing, every execution judged: findings, minimised, with C source."`
	Soak        soakCmd        `cmd:"" help:"Run the catalogue over and over under new schedule noise: right kernels raise no alarm."`
	Compare     compareCmd     `cmd:"" help:"The same programs on two kernels: fixed, broken, changed, same."`
	Bisect      bisectCmd      `cmd:"" help:"Which patch of a series breaks a program."`
	Rules       rulesCmd       `cmd:"" help:"What the catalogue checks: rule by profile by completion path."`
	Mutants     mutantsCmd     `cmd:"" help:"Does the catalogue find mistakes? Kill matrix of deliberate ones."`
	Report      reportCmd      `cmd:"" help:"Render a run again."`
	Shell       shellCmd       `cmd:"" help:"A look around inside the guest."`
	Cache       cacheCmd       `cmd:"" help:"Show and prune what ringproof keeps."`
	Bench       benchCmds      `cmd:"" help:"Measure: ringproof itself, or what groups are worth."`
	Version     versionCmd     `cmd:"" help:"Print the version and the build ID."`
	Fingerprint fingerprintCmd `cmd:"" help:"Which profile does a kernel show? Proposes one for a series that has none."`
	CI          ciCmd          `cmd:"" name:"ci" help:"A matrix of series and flavours, cell by cell, for any CI."`
}

func main() {
	if agent.Dispatch() {
		return
	}
	os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Main runs one command line and returns its exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// Ctrl-C and kill end the run cleanly; a second one ends it at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)

	status := -1
	parser, err := kong.New(new(commandLine),
		kong.Name("ringproof"),
		kong.Description("Kernel patch test and fuzz harness for io_uring.\n\n"+
			"Exit status: 0 all passed, 1 something failed, crashed or hung, 2 usage, 3 infrastructure, 4 inconclusive or interrupted."),
		kong.Vars{
			"series":   strings.Join(images.BuiltinSeries(), ", "),
			"profiles": strings.Join(cases.Profiles(), ", "),
			"flavours": flavourNames(),
			"paths":    pathNames(),
			"source":   defaultSource,
		},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { status = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{stdin, stdout, stderr}),
	)
	if err != nil {
		panic(err) // the grammar above is wrong: a programming error
	}
	k, err := parser.Parse(args)
	if status >= 0 { // --help
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "ringproof: %v\n", err)
		return exitUsage
	}
	return explain(stderr, k.Run())
}

// explain prints what ended a command and returns the exit status.
func explain(stderr io.Writer, err error) int {
	var e *exit
	if err != nil && !(errors.As(err, &e) && e.err == nil) {
		fmt.Fprintf(stderr, "ringproof: %v\n", err)
	}
	return exitStatus(err)
}

// exitStatus is what a command exits with that ended with err.
func exitStatus(err error) int {
	if err == nil {
		return exitOK
	}
	var e *exit
	if errors.As(err, &e) {
		return e.status
	}
	switch harness.BlameFor(err) {
	case harness.BlameKernel:
		return exitFailed
	case harness.BlameUser:
		return exitUsage
	case harness.BlameInterrupt:
		return exitInconclusive
	}
	return exitInfra
}

func flavourNames() string {
	var names []string
	for _, f := range kconfig.Flavours() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}
