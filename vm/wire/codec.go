// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// msgType is the type byte of a frame. Numbers are never reused.
type msgType uint8

const (
	typeInvalid msgType = iota
	typeHello
	typePush
	typePushData
	typePushDone
	typeRun
	typeRan
	typeLog
	typeFault
	typePing
	typePong
	typeShell
	typeShellOutput
	typePowerOff
	typeCopy
	typeCopied
	typeExec
	typeExeced
)

var typeNames = [...]string{
	"", "Hello", "Push", "PushData", "PushDone", "Run", "Ran", "Log", "Fault",
	"Ping", "Pong", "Shell", "ShellOutput", "PowerOff", "Copy", "Copied", "Exec", "Execed",
}

func (t msgType) String() string {
	if t != typeInvalid && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// fromGuest holds the types that a guest may send.
var fromGuest = [256]bool{
	typeHello: true, typePushDone: true, typeRan: true, typeLog: true,
	typeFault: true, typePing: true, typePong: true, typeShellOutput: true,
	typeCopied: true, typeExeced: true,
}

func typeOf(msg any) msgType {
	switch msg.(type) {
	case *Hello:
		return typeHello
	case *Push:
		return typePush
	case *PushData:
		return typePushData
	case *PushDone:
		return typePushDone
	case *Run:
		return typeRun
	case *Ran:
		return typeRan
	case *Log:
		return typeLog
	case *Fault:
		return typeFault
	case *Ping:
		return typePing
	case *Pong:
		return typePong
	case *Shell:
		return typeShell
	case *ShellOutput:
		return typeShellOutput
	case *PowerOff:
		return typePowerOff
	case *Copy:
		return typeCopy
	case *Copied:
		return typeCopied
	case *Exec:
		return typeExec
	case *Execed:
		return typeExeced
	}
	return typeInvalid
}

func newMessage(t msgType) any {
	switch t {
	case typeHello:
		return new(Hello)
	case typePush:
		return new(Push)
	case typePushData:
		return new(PushData)
	case typePushDone:
		return new(PushDone)
	case typeRun:
		return new(Run)
	case typeRan:
		return new(Ran)
	case typeLog:
		return new(Log)
	case typeFault:
		return new(Fault)
	case typePing:
		return new(Ping)
	case typePong:
		return new(Pong)
	case typeShell:
		return new(Shell)
	case typeShellOutput:
		return new(ShellOutput)
	case typePowerOff:
		return new(PowerOff)
	case typeCopy:
		return new(Copy)
	case typeCopied:
		return new(Copied)
	case typeExec:
		return new(Exec)
	case typeExeced:
		return new(Execed)
	}
	return nil
}

// Limits on what a payload may hold. Every element of an array takes at least
// one byte of the frame, so MaxPayload bounds their sum.
const (
	maxNesting  = 16
	maxElements = 1 << 18 // of one array: the largest is Outcome.CQEs
	maxPairs    = 256     // of one map: the largest is HangInfo.FDInfo
)

var (
	encMode = mustEncMode()
	decMode = mustDecMode()
)

func mustEncMode() cbor.UserBufferEncMode {
	m, err := cbor.EncOptions{
		Sort:          cbor.SortNone,
		ShortestFloat: cbor.ShortestFloatNone,
		IndefLength:   cbor.IndefLengthForbidden,
		TagsMd:        cbor.TagsForbidden,
	}.UserBufferEncMode()
	if err != nil {
		panic(err) // constant options
	}
	return m
}

func mustDecMode() cbor.DecMode {
	m, err := cbor.DecOptions{
		MaxNestedLevels:   maxNesting,
		MaxArrayElements:  maxElements,
		MaxMapPairs:       maxPairs,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		// Texts from a guest may hold anything, and must arrive as they are.
		UTF8: cbor.UTF8DecodeInvalid,
	}.DecMode()
	if err != nil {
		panic(err) // constant options
	}
	return m
}

func encode(msg any, out *bytes.Buffer) error { return encMode.MarshalToBuffer(compact(msg), out) }

// decode fills msg from exactly one CBOR item; bytes behind it are an error.
func decode(payload []byte, msg any) error { return decMode.Unmarshal(payload, compact(msg)) }
