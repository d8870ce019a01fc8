package ui

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
)

// terminal runs the app (the demo of TestMain) in a terminal of its own.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	tty    *os.File
	screen vt10x.Terminal
	began  time.Time
	ended  chan struct{}

	mu  sync.Mutex
	raw bytes.Buffer // everything the app wrote
}

func inTerminal(t *testing.T, demo string, width, height int, env ...string) *terminal {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startInTerminal(t, exec.Command(exe), demo, width, height, env...)
}

// shellInTerminal runs the app from an interactive shell, which can stop it and go on.
func shellInTerminal(t *testing.T, demo string, width, height int, shell string) *terminal {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x := startInTerminal(t, exec.Command(shell, "--norc", "--noprofile", "-i"), demo, width, height, "PS1=ready> ", "HISTFILE=")
	x.sees("ready>")
	x.write(exe + "\r")
	return x
}

func startInTerminal(t *testing.T, cmd *exec.Cmd, demo string, width, height int, env ...string) *terminal {
	t.Helper()
	return startWith(t, vt10x.New(vt10x.WithSize(width, height), vt10x.WithWriter(io.Discard)), cmd, demo, width, height, env...)
}

// startWith draws on a screen, or on none where that is nil.
func startWith(t *testing.T, screen vt10x.Terminal, cmd *exec.Cmd, demo string, width, height int, env ...string) *terminal {
	t.Helper()
	x := &terminal{t: t, screen: screen, ended: make(chan struct{})}
	x.cmd = cmd
	x.cmd.Env = append([]string{demoVariable + "=" + demo, "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH")}, env...)
	x.began = time.Now()
	var err error
	x.tty, err = pty.StartWithSize(x.cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)})
	if err != nil {
		t.Fatal(err)
	}
	go x.read()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		<-x.ended
		_ = x.tty.Close()
	})
	return x
}

func (x *terminal) read() {
	defer close(x.ended)
	buf := make([]byte, 64<<10)
	var cut []byte // of a character, at the end of a read
	for {
		n, err := x.tty.Read(buf)
		if n > 0 {
			x.mu.Lock()
			x.raw.Write(buf[:n])
			x.mu.Unlock()
			data := append(cut, buf[:n]...)
			whole := len(strings.ToValidUTF8(string(data), ""))
			if whole < len(data)-3 {
				whole = len(data) // not a cut: the app wrote something invalid
			}
			if x.screen != nil {
				_, _ = x.screen.Write(data[:whole])
			}
			cut = slices.Clone(data[whole:])
		}
		if err != nil {
			_ = x.cmd.Wait()
			return
		}
	}
}

func (x *terminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.String()
}

// sees waits until a text is on the screen, or with "!" before it, is not.
func (x *terminal) sees(texts ...string) {
	x.t.Helper()
	for _, text := range texts {
		want, there := text, true
		if rest, ok := strings.CutPrefix(text, "!"); ok {
			want, there = rest, false
		}
		x.until(fmt.Sprintf("%q on the screen: %v", want, there), func() bool {
			return strings.Contains(x.screen.String(), want) == there
		})
	}
}

func (x *terminal) until(what string, met func() bool) {
	x.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if met() {
			return
		}
	}
	x.t.Fatalf("waited in vain for %s; the screen is\n%s", what, x.seen())
}

// seen is the screen, or the last that was written where there is none.
func (x *terminal) seen() string {
	if x.screen != nil {
		return x.screen.String()
	}
	out := x.output()
	return strconv.Quote(out[max(len(out)-2000, 0):])
}

func (x *terminal) write(s string) {
	x.t.Helper()
	if _, err := x.tty.WriteString(s); err != nil {
		x.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code.
func (x *terminal) exit() int {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(time.Minute):
		x.t.Fatalf("it did not end; the screen is\n%s", x.seen())
	}
	return x.cmd.ProcessState.ExitCode()
}

// takenBack fails where a mode of the terminal was left on.
func (x *terminal) takenBack(modes ...string) {
	x.t.Helper()
	out := x.output()
	for _, mode := range modes {
		if strings.LastIndex(out, mode+"h") > strings.LastIndex(out, mode+"l") {
			x.t.Errorf("%q was not taken back", mode+"h")
		}
	}
}

// restored fails where the terminal was not put back as it was.
func (x *terminal) restored() {
	x.t.Helper()
	x.takenBack("\x1b[?1049", "\x1b[?1002", "\x1b[?2004")
	out := x.output()
	if strings.LastIndex(out, "\x1b[?25l") > strings.LastIndex(out, "\x1b[?25h") {
		x.t.Error("the cursor stayed hidden")
	}
}

// SPEC E12: the journey by keys in a real terminal at three sizes; no full
// secret ever on screen, nor in anything written to it.
func TestJourneyInATerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 10}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			x := inTerminal(t, "first", size[0], size[1])
			x.sees("No workspaces yet.")
			x.write("b")
			x.sees("Bring your own")
			x.write("models\tacme-ml\thttps://s3.eu-west-2.amazonaws.com\teu-west-2\tmodels/\t" + testKey + "\t" + testSecret + "\t")
			x.write("\x1b[200~" + testToken + "\x1b[201~") // pasted
			x.sees("wJal***EKEY", "••••")
			x.write("\r")
			x.sees("created models", "▸ models", "not mounted")
			x.write("m")
			x.sees("Mount models")
			x.write("\r")
			x.sees("● ok")
			x.write("d") // refused: it is mounted
			x.sees("models is mounted")
			x.write("2")
			x.sees("~/mnt/models")
			x.write("u")
			x.sees("unmounted", "Nothing is mounted.")
			x.write("1")
			x.sees("▸ models")
			x.write("d")
			x.sees("Delete models")
			x.write("models\r")
			x.sees("!Delete models", "No workspaces yet.")
			x.write("q")
			if code := x.exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			x.restored()
			for _, secret := range []string{testSecret, testToken, testSecret[:12], testToken[:12]} {
				if strings.Contains(x.output(), secret) {
					t.Errorf("%s… was written to the terminal", secret[:6])
				}
			}
		})
	}
}

// The frame is there before the coordinator has answered, and at once.
func TestFirstPaintInATerminal(t *testing.T) {
	var times []time.Duration
	for range 5 {
		x := inTerminal(t, "few", 120, 32)
		x.sees("starting…", "train-data", "as of the last run")
		times = append(times, time.Since(x.began))
		x.sees("5 workspaces")
		x.write("q")
		x.exit()
		if want := "3 mounts go on running: ~/mnt/train, ~/mnt/notes, ~/mnt/experiments"; !strings.Contains(x.output(), want) {
			t.Errorf("not said on leaving: %s", want)
		}
	}
	slices.Sort(times)
	t.Logf("first paint: %v", times) // the goal is 60 ms on an idle machine: make bench-tui
}

// From a key to its paint, with 2,000 workspaces.
func TestKeyToPaint(t *testing.T) {
	x := inTerminal(t, "many", 120, 32)
	x.sees("2,000 workspaces", "▸ workspace-0000")
	var times []time.Duration
	for i := 1; i <= 40; i++ {
		began := time.Now()
		x.write("j")
		x.sees(fmt.Sprintf("▸ workspace-%04d", i))
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	p50, p99 := times[len(times)/2], times[len(times)-1]
	t.Logf("key to paint: p50 %v, p99 %v", p50, p99) // the goal is 9 and 20 ms on an idle machine: make bench-tui
}

var colour = regexp.MustCompile(`\x1b\[([0-9;]*;)?(3[0-9]|4[0-9]|9[0-7]|10[0-7])[0-9;]*m`)

// SPEC C9: NO_COLOR with any value, not just those that parse as a bool.
func TestNoColor(t *testing.T) {
	for env, want := range map[string]bool{"NO_COLOR=": true, "NO_COLOR=1": false, "NO_COLOR=yes": false} {
		x := inTerminal(t, "few", 80, 24, env)
		x.sees("5 workspaces", "degraded")
		if got := colour.MatchString(x.output()); got != want {
			t.Errorf("%s: colours: %v", env, got)
		}
		x.write("q")
		x.exit()
	}
}

func TestSignalInATerminal(t *testing.T) {
	x := inTerminal(t, "few", 80, 24)
	x.sees("5 workspaces")
	if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	x.exit()
	x.restored()
}

// A coordinator, a keyring and mounts that never answer hold up no key: pages, dialogs, fields and
// leaving work.
func TestNothingAnswersInATerminal(t *testing.T) {
	x := inTerminal(t, "hang", 100, 30)
	x.sees("2 workspaces, as of the last run")
	x.write("m")
	x.sees("the coordinator is still starting")
	x.look(map[string]string{"2": "Reading the mounts…", "4": "reading…", "7": "Nothing was run yet."})
	x.write("Rq")
	if code := x.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	x.restored()
}

// Nor does a mount that never comes up; leaving asks.
func TestAMountHangsInATerminal(t *testing.T) {
	x := inTerminal(t, "hang-mounts", 100, 30)
	x.sees("5 workspaces")
	x.write("m")
	x.sees("Mount build-cache")
	x.write("\r")
	x.sees("mounting…")
	x.look(map[string]string{"2": "Reading the mounts…", "4": "reading…", "7": "◌ running"})
	x.write("1:")
	x.sees("Commands")
	x.write("new managed\r")
	x.sees("New workspace")
	x.write("fine\r")
	x.write("\x1b")
	x.sees("!New workspace")
	x.write("q")
	x.sees("This has not ended yet:", "mounting build-cache", "creating fine")
	x.write("\r")
	if code := x.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	x.restored()
}

// look goes to pages by their keys, and to the help and back.
func (x *terminal) look(pages map[string]string) {
	x.t.Helper()
	for key, want := range pages {
		x.write(key)
		x.sees(want)
	}
	x.write("?")
	x.sees("Keys")
	x.write("q")
	x.sees("!Keys")
}

// ctrl+z gives the shell back, with the terminal as it was; fg goes on where it stopped.
func TestSuspendInATerminal(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash to give the terminal to")
	}
	x := shellInTerminal(t, "few", 80, 24, bash)
	x.sees("5 workspaces")
	x.write("2")
	x.sees("MOUNTPOINT")
	x.write("\x1a")
	x.sees("Stopped", "!MOUNTPOINT")
	x.takenBack("\x1b[?1049", "\x1b[?1002") // the shell has modes of its own
	x.write("fg\r")
	x.sees("MOUNTPOINT", "!Stopped")
	x.write("q")
	x.sees("3 mounts go on running")
	x.write("exit\r")
	x.exit()
}

// The next run begins where the last one was left, also after ctrl+c.
func TestKeptInATerminal(t *testing.T) {
	state := "XDG_STATE_HOME=" + t.TempDir()
	x := inTerminal(t, "few", 80, 24, state)
	x.sees("5 workspaces")
	x.write("2G")
	x.sees("▸ ~/mnt/train")
	x.write("\x03")
	x.exit()
	x = inTerminal(t, "few", 80, 24, state)
	x.sees("▸ ~/mnt/train", "MOUNTPOINT")
	x.write("q")
	x.exit()
}

// y copies through the terminal (OSC 52), also over ssh.
func TestCopyInATerminal(t *testing.T) {
	x := inTerminal(t, "few", 80, 24)
	x.sees("5 workspaces", "▸ build-cache")
	x.write("y")
	x.sees("copied the command line")
	want := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte("artifacts mount build-cache ~/mnt/build-cache"))
	x.until("OSC 52", func() bool { return strings.Contains(x.output(), want) })
	x.write("q")
	x.exit()
}

// A light ground gets the light colours, once the terminal has said so.
func TestLightGround(t *testing.T) {
	x := inTerminal(t, "few", 80, 24)
	x.sees("5 workspaces")
	x.until("the question for the ground", func() bool { return strings.Contains(x.output(), "\x1b]11;?") })
	x.write("\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
	const lightAccent = "38;2;11;117;112"
	x.until("the light accent", func() bool { return strings.Contains(x.output(), lightAccent) })
	x.write("q")
	x.exit()
}

// Resized, the screen is drawn anew and whole.
func TestResizeInATerminal(t *testing.T) {
	x := inTerminal(t, "few", 120, 32)
	x.sees("5 workspaces", "MOUNTED AT")
	x.screen.Resize(40, 10)
	if err := pty.Setsize(x.tty, &pty.Winsize{Cols: 40, Rows: 10}); err != nil {
		t.Fatal(err)
	}
	x.sees("!MOUNTED AT", "STATE")
	x.write("q")
	x.exit()
}
