package ui

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/ui/disk"
	"github.com/artifacts-tui/artifacts-tui/ui/page"
)

// demoVariable makes the test binary the app itself, on a fake: tests run it in
// a terminal, and so does the generator of pictures.
const demoVariable = "ARTIFACTS_UI_DEMO"

func TestMain(m *testing.M) {
	if demo := os.Getenv(demoVariable); demo != "" {
		os.Exit(runDemo(demo))
	}
	os.Exit(m.Run())
}

// runDemo runs the app on a fake: "first" has nothing yet, "few" a bit of
// everything, "down" a coordinator that does not answer, "panic-X" breaks in X, "hang" never
// answers, "many" has 2,000 workspaces, "all" something on every page.
func runDemo(demo string) int {
	f := aFew()
	f.delay, f.slowMount = 60*time.Millisecond, 250*time.Millisecond
	f.drainSteps, f.drainPause = 40, 100*time.Millisecond
	switch demo {
	case "first":
		f = newFake()
		f.delay = 60 * time.Millisecond
	case "down":
		f.coordinatorErr = fault.New(fault.Unreachable, "see ~/.local/state/tonbo/artifacts/coordinator.log", "no answer from 127.0.0.1:8080: connection refused")
	case "panic-Mount":
		f.panicIn = "Mount"
	case "hang":
		f.hang = true
	case "hang-mounts":
		f.hang, f.coordinatorAnswers = true, true
	case "all":
		f = withControl()
		f.ob, f.live, f.delay = withObjects().ob, true, time.Millisecond
		f.drainPause = 5 * time.Millisecond
	case "many":
		f.workspaces = many(2000)
	}
	env := append(os.Environ(), "HOME="+testHome)
	o := Options{App: f, In: os.Stdin, Out: os.Stdout, Env: env}
	if f.hasPlane {
		o.Control = f.openControl
	}
	if state := os.Getenv("XDG_STATE_HOME"); state != "" {
		o.Disk = &disk.Disk{Roots: xdg.Roots{State: state}, Version: "test"}
	}
	if in, ok := strings.CutPrefix(demo, "panic-"); ok {
		o.wrap = func(p page.Page) page.Page { return brittle{p, in, new(bool)} }
	}
	if err := Run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		fmt.Fprintln(os.Stderr, "hint:", fault.As(err).Hint)
		return int(fault.As(err).Kind)
	}
	return 0
}
