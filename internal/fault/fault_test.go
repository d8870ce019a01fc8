package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC C14: the exit codes, and an error as JSON.
func TestKinds(t *testing.T) {
	for kind, code := range map[fault.Kind]string{
		fault.Failure: "failure", fault.Usage: "usage", fault.Auth: "auth", fault.NotFound: "not_found", fault.Conflict: "conflict",
		fault.Quota: "quota_exceeded", fault.Unreachable: "unreachable", fault.Pending: "pending_data", fault.Interrupted: "interrupted",
	} {
		if kind.Code() != code || fault.KindOfCode(code) != kind {
			t.Errorf("%d is %q", kind, kind.Code())
		}
	}
	if fault.KindOfCode("news") != fault.Failure || fault.Kind(99).Code() != "failure" {
		t.Error("an unknown code is not a plain failure")
	}
	e := fault.Wrap(fault.Quota, errors.New("cause"), "raise it", "no space for %q", "x")
	text, err := json.Marshal(e)
	if want := `{"code":"quota_exceeded","message":"no space for \"x\": cause","hint":"raise it"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAs(t *testing.T) {
	inner := fault.New(fault.NotFound, "", "gone")
	if got := fault.As(fmt.Errorf("op: %w", inner)); got != inner {
		t.Errorf("As lost the error: %v", got)
	}
	if got := fault.As(fmt.Errorf("op: %w", context.Canceled)); got.Kind != fault.Interrupted {
		t.Errorf("a cancelled context is %v", got.Kind)
	}
	if got := fault.As(errors.New("plain")); got.Kind != fault.Failure || got.Error() != "plain" {
		t.Errorf("a plain error is %v", got)
	}
	if fault.As(nil) != nil || fault.Is(nil, fault.Failure) {
		t.Error("nil is an error")
	}
}
