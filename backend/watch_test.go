package backend

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// SPEC B21: whoever waits for changes hears that another coordinator may be in use, however long
// the one that was asked is silent.
func TestContextsChange(t *testing.T) {
	a := &App{contexts: keyring.NewContexts(t.TempDir(), func(string) {})}
	closes := func(what string, c <-chan struct{}) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(time.Minute):
			t.Fatalf("not told of %s", what)
		}
	}
	changed := a.contextsChange(t.Context())
	if err := os.WriteFile(a.contexts.Path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	closes("a change", changed)
	ctx, cancel := context.WithCancel(t.Context())
	unheard := a.contextsChange(ctx)
	cancel()
	closes("the end", unheard)
}
