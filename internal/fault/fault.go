// Package fault is the one error type that reaches a user: what failed, why, and
// what to do next, with the kind that decides the exit code (SPEC C14).
// It imports nothing of this module.
package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Kind says what sort of failure it was. Its number is the process's exit code.
type Kind int

// The kinds, numbered as SPEC C14 has the exit codes.
const (
	Failure     Kind = 1   // anything without a kind of its own
	Usage       Kind = 2   // wrong usage or missing configuration
	Auth        Kind = 3   // authentication or permission
	NotFound    Kind = 4   // no such workspace, mount, bucket or object
	Conflict    Kind = 5   // exists already, or is mounted already
	Quota       Kind = 6   // quota exceeded
	Unreachable Kind = 7   // no answer from a coordinator or store
	Pending     Kind = 8   // data not yet uploaded
	Interrupted Kind = 130 // cancelled by the user
)

var codes = map[Kind]string{
	Failure: "failure", Usage: "usage", Auth: "auth", NotFound: "not_found", Conflict: "conflict",
	Quota: "quota_exceeded", Unreachable: "unreachable", Pending: "pending_data", Interrupted: "interrupted",
}

// Code is the kind's stable name in JSON output.
func (k Kind) Code() string {
	if c, ok := codes[k]; ok {
		return c
	}
	return codes[Failure]
}

// KindOfCode is the inverse of Code; an unknown code is Failure.
func KindOfCode(code string) Kind {
	for k, c := range codes {
		if c == code {
			return k
		}
	}
	return Failure
}

// Error is one line for a person (Message), an optional next step (Hint) and
// the cause (Err), which is not printed unless Message is empty.
type Error struct {
	Kind    Kind
	Message string
	Hint    string
	Err     error
	Fields  map[string]any // what else a program may want to know; further fields of the JSON form
}

// New returns an Error without a cause. The message has no trailing full stop.
func New(kind Kind, hint, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Wrap is New with a cause; the message ends in ": " and the cause's text.
func Wrap(kind Kind, err error, hint, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...) + ": " + err.Error(), Hint: hint, Err: err}
}

// Error returns Message.
func (e *Error) Error() string {
	if e.Message == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MarshalJSON writes {"code","message","hint"} (SPEC C14), and Fields after them.
func (e *Error) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}{e.Kind.Code(), e.Error(), e.Hint})
	if err != nil || len(e.Fields) == 0 {
		return text, err
	}
	more, err := json.Marshal(e.Fields)
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

// As returns the Error in err's chain. An err without one becomes a Failure, or
// Interrupted where its cause is context.Canceled. As(nil) is nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return &Error{Kind: Interrupted, Message: "interrupted", Err: err}
	}
	return &Error{Kind: Failure, Message: err.Error(), Err: err}
}

// Is reports whether err carries kind.
func Is(err error, kind Kind) bool { return err != nil && As(err).Kind == kind }
