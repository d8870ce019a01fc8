package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

const (
	patience = 20 * time.Second       // for a text to come
	look     = 10 * time.Millisecond  // between two looks at the screen
	rest     = 250 * time.Millisecond // without output: the screen has come to rest
	restMax  = 2 * time.Second        // some screens never do
	// A terminal cannot tell esc from the beginning of another key but by time.
	escPause = 200 * time.Millisecond
)

// Of films.
const (
	beat   = 600 * time.Millisecond // what a key shows
	tap    = 60 * time.Millisecond  // what a letter shows
	glance = 150 * time.Millisecond // between two looks at what moves by itself
)

// player plays steps to a program in a terminal.
type player struct {
	program, home string
	width, height int
	light         bool
	env           []string
	shot          func(name string, s screen) error
	drawn         func(name string, f *film) error // an animation

	film   *film // that is being taken; nil: none is
	called string

	finally []string // shell commands
	cmd     *exec.Cmd
	tty     *os.File
	screen  vt10x.Terminal
	ended   chan error
	mu      sync.Mutex
	last    time.Time // of input or output
}

func (p *player) play(st step) error {
	switch st.verb {
	case "size":
		p.width, p.height, _ = size(st.rest)
	case "light":
		p.light = true
	case "env":
		p.env = append(p.env, os.Expand(st.rest, p.variable))
	case "run":
		return p.run(exec.Command(p.program, strings.Fields(st.rest)...))
	case "sh":
		return p.run(exec.Command("sh", "-c", st.rest))
	case "start":
		return p.start(strings.Fields(st.rest))
	case "wait":
		return p.until(st.rest, true)
	case "gone":
		return p.until(st.rest, false)
	case "key":
		return p.keys(strings.Fields(st.rest))
	case "type":
		return p.letters(st.rest)
	case "paste":
		return p.send("\x1b[200~" + st.rest + "\x1b[201~")
	case "shot":
		p.settle()
		return p.shot(st.rest, p.look())
	case "film":
		p.settle()
		p.film, p.called = &film{}, st.rest
		p.film.add(p.look(), beat)
	case "hold":
		seconds, _ := strconv.ParseFloat(st.rest, 64)
		p.settle()
		p.take(time.Duration(seconds * float64(time.Second)))
	case "cut":
		f := p.film
		p.film = nil
		return p.drawn(p.called, f)
	case "stop":
		return p.stop()
	case "finally":
		p.finally = append(p.finally, st.rest)
	}
	return nil
}

// installed is a folder in which a shell finds the program as artifacts.
func (p *player) installed() string { return filepath.Join(p.home, ".local", "bin") }

func (p *player) install() error {
	if err := os.MkdirAll(p.installed(), 0o700); err != nil {
		return err
	}
	return os.Symlink(p.program, filepath.Join(p.installed(), "artifacts"))
}

func (p *player) variable(name string) string {
	switch name {
	case "HOME":
		return p.home
	case "BIN":
		return p.program
	}
	return ""
}

// environ is small and the same everywhere, so that pictures are too.
func (p *player) environ() []string {
	return append([]string{
		"HOME=" + p.home, "BIN=" + p.program, "PATH=" + p.installed() + ":" + os.Getenv("PATH"), "TERM=xterm-256color",
		"COLORTERM=truecolor", "LANG=C.UTF-8", "TZ=UTC", "USER=ada",
	}, p.env...)
}

func (p *player) run(cmd *exec.Cmd) error {
	cmd.Env, cmd.Dir = p.environ(), p.home
	// A file, for a pipe would be waited for as long as a child of the command
	// has it.
	out, err := os.CreateTemp("", "scene-out-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said)
	}
	return nil
}

func (p *player) start(args []string) error {
	p.cmd = exec.Command(p.program, args...)
	p.cmd.Env, p.cmd.Dir = p.environ(), p.home
	p.screen = vt10x.New(vt10x.WithSize(p.width, p.height), vt10x.WithWriter(io.Discard))
	tty, err := pty.StartWithSize(p.cmd, &pty.Winsize{Cols: uint16(p.width), Rows: uint16(p.height)})
	if err != nil {
		return err
	}
	p.tty = tty
	p.ended = make(chan error, 1)
	go p.read()
	return nil
}

// read feeds the screen, and answers when the program asks for the ground.
func (p *player) read() {
	buf := make([]byte, 64<<10)
	ground := "\x1b]11;rgb:0e0e/1313/1818\x1b\\"
	if p.light {
		ground = "\x1b]11;rgb:fdfd/fdfd/fbfb\x1b\\"
	}
	var keep []byte // a rune cut in two
	for {
		n, err := p.tty.Read(buf)
		if n > 0 {
			data := append(keep, buf[:n]...)
			whole := wholeRunes(data)
			if bytes.Contains(data, []byte("\x1b]11;?")) {
				_, _ = p.tty.WriteString(ground)
			}
			_, _ = p.screen.Write(data[:whole])
			keep = append([]byte(nil), data[whole:]...)
			p.mu.Lock()
			p.last = time.Now()
			p.mu.Unlock()
		}
		if err != nil {
			p.ended <- p.cmd.Wait()
			return
		}
	}
}

// wholeRunes is how much of data there is without a character cut at its end.
func wholeRunes(data []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(data); back++ {
		if tail := data[len(data)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(data) - back
			}
			break
		}
	}
	return len(data)
}

func (p *player) send(text string) error {
	if p.tty == nil {
		return errors.New("nothing was started")
	}
	p.mu.Lock()
	p.last = time.Now()
	p.mu.Unlock()
	_, err := p.tty.WriteString(text)
	return err
}

func (p *player) keys(names []string) error {
	for _, name := range names {
		b, err := bytesOf(name)
		if err == nil {
			err = p.send(b)
		}
		if err != nil {
			return err
		}
		if name == "esc" {
			time.Sleep(escPause)
		}
		p.take(beat)
	}
	return nil
}

// letters types; in a film one after the other.
func (p *player) letters(text string) error {
	if p.film == nil {
		return p.send(text)
	}
	for _, r := range text {
		if err := p.send(string(r)); err != nil {
			return err
		}
		p.take(tap)
	}
	return nil
}

// take has what is shown stay for d in the film, once it has come to rest.
func (p *player) take(d time.Duration) {
	if p.film != nil {
		p.settle()
		p.film.add(p.look(), d)
	}
}

func (p *player) until(text string, there bool) error {
	if p.tty == nil {
		return errors.New("nothing was started")
	}
	last := time.Now()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(look) {
		if strings.Contains(p.screen.String(), text) == there {
			return nil
		}
		if p.film != nil && time.Since(last) >= glance {
			last = time.Now()
			p.film.add(p.look(), glance)
		}
	}
	return fmt.Errorf("%q: waited %v in vain; the screen is\n%s", text, patience, p.screen.String())
}

// settle waits until the program has stopped drawing.
func (p *player) settle() {
	for deadline := time.Now().Add(restMax); time.Now().Before(deadline); time.Sleep(look) {
		p.mu.Lock()
		quiet := time.Since(p.last) > rest
		p.mu.Unlock()
		if quiet {
			return
		}
	}
}

// look takes the screen as it is.
func (p *player) look() screen {
	p.screen.Lock()
	defer p.screen.Unlock()
	s := screen{width: p.width, height: p.height, light: p.light}
	for y := range p.height {
		for x := range p.width {
			s.cells = append(s.cells, p.screen.Cell(x, y))
		}
	}
	if c := p.screen.Cursor(); p.screen.CursorVisible() {
		s.cursorX, s.cursorY, s.cursor = c.X, c.Y, true
	}
	return s
}

// stop ends the program, first kindly.
func (p *player) stop() error {
	if p.tty == nil {
		return nil
	}
	defer func() { _ = p.tty.Close(); p.tty = nil }()
	_ = p.send("\x03")
	select {
	case <-p.ended: //nolint:errcheck // how it ended does not matter here
		return nil
	case <-time.After(patience / 4):
		_ = p.cmd.Process.Kill()
		<-p.ended //nolint:errcheck // how it ended does not matter here
		return errors.New("ctrl+c did not end it")
	}
}

// close ends the program and runs what the scene has for the end.
func (p *player) close() {
	if err := p.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
	}
	for _, command := range p.finally {
		if err := p.run(exec.Command("sh", "-c", command)); err != nil {
			fmt.Fprintln(os.Stderr, "screenshots:", err)
		}
	}
}
