//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

const (
	columns, rows = 120, 32
	patience      = 30 * time.Second
)

// terminal is the program in one.
type terminal struct {
	cmd    *exec.Cmd
	tty    *os.File
	screen vt10x.Terminal
	began  time.Time
	ended  chan struct{}

	mu    sync.Mutex
	first time.Time                // when the frame was drawn first
	wait  chan time.Time           // of whoever waits for the next byte; may be nil
	met   func(screen string) bool // of whoever waits for a screen; may be nil
	when  chan time.Time           // met was
}

func environment(home string) []string {
	return []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8"}
}

// command runs one command of the program.
func command(bin string, env []string, args ...string) error {
	c := exec.Command(bin, args...)
	c.Env = env
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func open(bin string, env []string) (*terminal, error) {
	x := &terminal{screen: vt10x.New(vt10x.WithSize(columns, rows), vt10x.WithWriter(io.Discard)), ended: make(chan struct{})}
	x.cmd = exec.Command(bin)
	x.cmd.Env = env
	x.began = time.Now()
	var err error
	if x.tty, err = pty.StartWithSize(x.cmd, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		return nil, err
	}
	go x.read()
	return x, nil
}

func (x *terminal) read() {
	defer close(x.ended)
	buf := make([]byte, 64<<10)
	for {
		n, err := x.tty.Read(buf)
		now := time.Now()
		x.mu.Lock()
		if x.wait != nil && n > 0 {
			x.wait <- now
			x.wait = nil
		}
		if x.first.IsZero() && bytes.Contains(buf[:n], []byte("Workspaces")) {
			x.first = now
		}
		_, _ = x.screen.Write(buf[:n])
		if x.met != nil && x.met(x.screen.String()) {
			x.when <- now
			x.met = nil
		}
		x.mu.Unlock()
		if err != nil {
			_ = x.cmd.Wait()
			return
		}
	}
}

func (x *terminal) firstPaint() time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.first.Sub(x.began)
}

func (x *terminal) write(keys string) { _, _ = x.tty.WriteString(keys) }

// keyToByte is the time from a key to the first byte that the program writes then.
func (x *terminal) keyToByte(key string) (time.Duration, error) {
	time.Sleep(between) // what the last key had drawn is over
	came := make(chan time.Time, 1)
	x.mu.Lock()
	x.wait = came
	x.mu.Unlock()
	began := time.Now()
	x.write(key)
	select {
	case at := <-came:
		return at.Sub(began), nil
	case <-time.After(patience):
		return 0, x.failed(fmt.Sprintf("nothing was drawn after %q", key))
	}
}

// between is how long after what a key has drawn the next one is pressed.
const between = 25 * time.Millisecond

// keysTo is the time from keys to a screen with all the texts.
func (x *terminal) keysTo(keys string, texts ...string) (time.Duration, error) {
	began := time.Now()
	at, err := x.until(patience, fmt.Sprintf("%q after %q", texts, keys), func() { x.write(keys) }, holds(texts))
	return at.Sub(began), err
}

// keysToLoss is the time from keys to a screen without a text.
func (x *terminal) keysToLoss(keys, text string) (time.Duration, error) {
	began := time.Now()
	at, err := x.until(patience, fmt.Sprintf("the end of %q", text), func() { x.write(keys) }, func(screen string) bool { return !strings.Contains(screen, text) })
	return at.Sub(began), err
}

// text is the screen.
func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.screen.String()
}

func (x *terminal) sees(texts ...string) error { return x.seesIn(patience, texts...) }

func (x *terminal) seesIn(patience time.Duration, texts ...string) error {
	_, err := x.until(patience, fmt.Sprintf("%q", texts), func() {}, holds(texts))
	return err
}

func holds(texts []string) func(string) bool {
	return func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	}
}

// until acts, waits for the screen that meets a condition, and returns when it came. Nothing is
// asked of the program meanwhile, and nothing is done but when it writes.
func (x *terminal) until(patience time.Duration, what string, act func(), met func(screen string) bool) (time.Time, error) {
	when := make(chan time.Time, 1)
	x.mu.Lock()
	if met(x.screen.String()) {
		when <- time.Now()
	} else {
		x.met, x.when = met, when
	}
	x.mu.Unlock()
	act()
	select {
	case at := <-when:
		return at, nil
	case <-time.After(patience):
		return time.Time{}, x.failed("waited in vain for " + what)
	}
}

func (x *terminal) failed(what string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.met = nil
	return fmt.Errorf("%s; the screen is\n%s", what, x.screen.String())
}

func (x *terminal) close() {
	_ = x.cmd.Process.Kill()
	<-x.ended
	_ = x.tty.Close()
}
