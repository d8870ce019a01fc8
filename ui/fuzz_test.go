package ui

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Random keys, texts, pastes, clicks and sizes in a real terminal, over every page: nothing breaks,
// ctrl+c ends it from wherever it is, and the terminal is as it was. `make soak` plays more rounds.
func TestRandomKeysInATerminal(t *testing.T) {
	rounds := 4
	if text := os.Getenv("TUI_FUZZ_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	keys := terminalKeys()
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 11))
			state := t.TempDir()
			x := startUnseen(t, "all", "XDG_STATE_HOME="+state, fmt.Sprintf("NO_COLOR=%.*s", seed%2, "1"))
			x.until("the first frame", func() bool { return strings.Contains(x.output(), "Workspaces") })
			for range 200 {
				x.play(r, keys)
			}
			x.resize(80, 24)
			again := time.After(100 * time.Millisecond)
			x.until("the end", func() bool {
				select {
				case <-x.ended:
					return true
				case <-again: // an escape right before it would make it another key
					_, _ = x.tty.WriteString("\x03")
					again = time.After(10 * time.Second) // one more is a signal where the terminal is given back
					return false
				}
			})
			if code := x.exit(); code != 0 {
				t.Errorf("exit code %d: %v", code, x.cmd.ProcessState)
			}
			x.restored()
			if left := x.output(); strings.Contains(left, "goroutine ") || strings.Contains(left, "panic") {
				t.Errorf("it broke: %q", left[max(len(left)-2000, 0):])
			}
			if reports, _ := filepath.Glob(filepath.Join(state, "tui-crash-*")); len(reports) > 0 {
				text, _ := os.ReadFile(reports[0])
				t.Errorf("it broke: %s", text)
			}
		})
	}
}

// terminalKeys are the keys of the map as a terminal sends them, but for those that end the app or
// stop it.
func terminalKeys() []string {
	named := map[string]string{
		"enter": "\r", "esc": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ", "backspace": "\x7f",
		"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
		"pgup": "\x1b[5~", "pgdown": "\x1b[6~",
	}
	var keys []string
	for _, s := range DefaultKeys() {
		for _, b := range s.Bindings {
			for _, key := range b.Keys {
				letter, ctrl := strings.CutPrefix(key, "ctrl+")
				switch {
				case key == "q", key == "ctrl+c", key == "ctrl+z":
				case named[key] != "":
					keys = append(keys, named[key])
				case ctrl:
					keys = append(keys, string(letter[0]-'a'+1))
				default:
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// startUnseen is startInTerminal without a screen: what is drawn is kept as it was written.
func startUnseen(t *testing.T, demo string, env ...string) *terminal {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, nil, exec.Command(exe), demo, 100, 30, env...)
}

func (x *terminal) resize(width, height int) {
	x.t.Helper()
	if err := pty.Setsize(x.tty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		x.t.Fatal(err)
	}
}

// play does one thing that a person at a terminal may do.
func (x *terminal) play(r *rand.Rand, keys []string) {
	x.t.Helper()
	switch r.IntN(12) {
	case 0:
		x.resize(r.IntN(220), r.IntN(70))
	case 1:
		x.write(fmt.Sprintf("\x1b[<0;%d;%dM", 1+r.IntN(200), 1+r.IntN(60)))
	case 2:
		x.write(fmt.Sprintf("\x1b[<%d;%d;%dM", 64+r.IntN(2), 1+r.IntN(200), 1+r.IntN(60)))
	case 3:
		x.write("\x1b[200~" + []string{"text", "ünï\ncode", "世界", strings.Repeat("x", 3000), "\x1b]0;", "a\x1b[b\x1bP\x1b"}[r.IntN(6)] + "\x1b[201~")
	case 4:
		x.write(string(rune('1' + r.IntN(7))))
	case 5:
		x.write([]string{"\x1b[99;99~", "\x1b[?2026;2$y", "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "\xff\xfe", "é", "\x1b[?2027;1$y"}[r.IntN(6)])
	default:
		x.write(keys[r.IntN(len(keys))])
	}
	if r.IntN(4) == 0 {
		time.Sleep(time.Duration(r.IntN(4)) * time.Millisecond) // people pause
	}
}
