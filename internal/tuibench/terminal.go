package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
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
	first time.Time      // when the frame was drawn first
	wait  chan time.Time // of whoever waits for the next byte; may be nil
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
		x.mu.Unlock()
		_, _ = x.screen.Write(buf[:n])
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
	time.Sleep(25 * time.Millisecond) // what the last key had drawn is over
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
		return 0, fmt.Errorf("nothing was drawn after %q; the screen is\n%s", key, x.screen.String())
	}
}

func (x *terminal) sees(texts ...string) error { return x.seesIn(patience, texts...) }

func (x *terminal) seesIn(patience time.Duration, texts ...string) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		screen, all := x.screen.String(), true
		for _, text := range texts {
			all = all && strings.Contains(screen, text)
		}
		if all {
			return nil
		}
	}
	return fmt.Errorf("waited for %q; the screen is\n%s", texts, x.screen.String())
}

// memory is the resident memory of the program, in bytes: the most there was, and now.
func (x *terminal) memory() (peak, now int64) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", x.cmd.Process.Pid))
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmHWM":
			peak = kib << 10
		case "VmRSS":
			now = kib << 10
		}
	}
	return peak, now
}

// cpu is the processor time of the program so far.
func (x *terminal) cpu() time.Duration {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", x.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ of Linux is 100
	return time.Duration(user+system) * tick
}

func (x *terminal) close() {
	_ = x.cmd.Process.Kill()
	<-x.ended
	_ = x.tty.Close()
}
