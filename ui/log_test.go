package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/ui/disk"
)

const testLog = testHome + "/.cache/tonbo/artifacts/logs/coordinator.log"

// tail is the end of a log file in memory.
func (f *fake) tail(path string) ([]disk.Line, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["tail"]++
	if path != testLog {
		return nil, errors.New("open " + path + ": no such file or directory")
	}
	var lines []disk.Line
	for i := range 40 + f.calls["tail"] {
		lines = append(lines, disk.Line{At: int64(i * 80), Text: fmt.Sprintf("time=2026-11-21T09:%02d:00Z level=INFO msg=\"PUT /artifacts-managed/notes/take-%d.wav\" status=200 bytes=3000000", i, i)})
	}
	return lines, nil
}

// logged does a few things that the log then has.
func (d *driver) logged() {
	d.t.Helper()
	d.to("old-runs")
	d.press("m", "enter")
	d.now = d.now.Add(2 * time.Second)
	d.app.mountErr = unreachable
	d.to("build-cache")
	d.press("m", "enter", "esc")
	d.app.mountErr = nil
	d.clear()
}

// Everything that was run is in the log with how it ended, and y copies it.
func TestCommandLog(t *testing.T) {
	d := drive(t, aFew(), 160, 32)
	d.clear()
	d.press("7")
	d.sees("Nothing was run yet.")
	d.press("1")
	d.logged()
	d.press("7")
	d.sees("✓ done", "✗ failed", "artifacts mount old-runs ~/mnt/old-runs", "▸ 09:12:02", "no answer from 127.0.0.1:8080")
	d.press("y")
	if len(d.clip) != 1 || d.clip[0] != "artifacts mount build-cache ~/mnt/build-cache" {
		t.Errorf("copied %q", d.clip)
	}
}

// What is running shows as that, and an unmount without a dialog is logged too.
func TestCommandLogWhileRunning(t *testing.T) {
	d := drive(t, aFew(), 160, 32)
	d.clear()
	d.draining()
	d.press("esc", "7")
	d.sees("◌ running", "artifacts unmount ~/mnt/train")
	d.release()
	d.sees("✓ done")
	d.seesNot("running")
	if n := len(d.m.session.Ran); n != 1 {
		t.Errorf("%d commands were logged for one", n)
	}
}

// A log file shows its newest line, follows it while it grows, and is read only while it is looked
// at and something moves.
func TestLogFiles(t *testing.T) {
	f := aFew()
	f.mounts = nil // nothing ticks
	d := drive(t, f, 120, 32)
	d.press("7")
	if f.called("tail") != 0 {
		t.Error("a log file was read that nobody looked at")
	}
	d.press("v", "v")
	d.sees("coordinator", "take-40.wav", "41 lines")
	d.pass(time.Minute)
	if n := f.called("tail"); n != 1 {
		t.Errorf("the file was read %d times while nothing moved", n)
	}
	d.press("R")
	d.sees("take-41.wav", "42 lines")
	d.press("g")
	d.sees("take-0.wav")
	d.press("R")
	d.sees("take-0.wav", "43 lines") // who reads further up is left there
	d.press("/")
	d.text("take-7.")
	d.sees("1 of 43")
	d.press("esc", "y")
	if len(d.clip) != 1 || !strings.Contains(d.clip[0], "take-") {
		t.Errorf("copied %q", d.clip)
	}
}

// The log of a mount that ends is left for another view; a missing file says so.
func TestLogOfAMount(t *testing.T) {
	d := drive(t, aFew(), 120, 32)
	d.clear()
	d.press("7", "V")
	d.sees("There is no log to read.", "no such file")
	d.app.mounts = nil
	d.press("R")
	d.sees("Nothing was run yet.")
}

// A notice opens into what, why and what to do, and c copies it.
func TestNoticeOpens(t *testing.T) {
	f := aFew()
	f.coordinatorErr = unreachable
	d := drive(t, f, 120, 32)
	d.m.toasts.Dismiss()
	// Others come beside it, in any order.
	d.press("R", "7", "v", "/", "a", "n", "s", "w", "e", "r", "enter", "enter")
	d.sees("Notice of", "Why", "To do")
	d.press("c")
	if len(d.clip) != 1 || !strings.Contains(d.clip[0], "to do: start it with 'artifacts-tui coordinator serve'") {
		t.Errorf("copied %q", d.clip)
	}
	d.press("t")
	d.sees("Messages")
}
