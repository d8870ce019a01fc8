//go:build linux

package doctest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/sandbox"
)

// commandLimit bounds a command; it is far more than any takes.
const commandLimit = 2 * time.Minute

// waitLimit bounds how long a block with `wait` may take to become what the page says.
const waitLimit = time.Minute

// players run one page: a shell for each prompt, and what answers at the addresses that the
// page has.
type players struct {
	t       *testing.T
	program string // folder of the program
	dir     string // for what is no user's
	env     []string
	shells  map[string]*shell
	// shown and real are pairs: an address in the page and the one that answers.
	shown, real []string
	// This user is a peer by its name here, and dev in the pages.
	peer, peerName *regexp.Regexp
}

// shell is one bash, one user at home.
type shell struct {
	process *exec.Cmd
	in      io.WriteCloser
	pipe    *os.File
	out     *bufio.Reader
	home    string // what HOME is
	shown   string // what the page has for it
	dir     string // for the command files
	count   int
	status  int // of the last command
}

func newPlayers(t *testing.T, program string) *players {
	goEnv, err := sandbox.GoEnv()
	if err != nil {
		t.Fatal(err)
	}
	env := append([]string{
		"PATH=" + sandbox.Path(program), "LANG=C.UTF-8", "TZ=UTC", "TERM=dumb", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"PYTHONDONTWRITEBYTECODE=1", "GIT_CONFIG_GLOBAL=/dev/null", "GOPROXY=off", "REPOSITORY=" + absolute(t, root),
	}, goEnv...)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return &players{
		t: t, program: program, dir: t.TempDir(), env: env, shells: map[string]*shell{},
		peer:     regexp.MustCompile(`(^|[ "])` + regexp.QuoteMeta(me.Username) + `(-[0-9a-f]{6}\b)`),
		peerName: regexp.MustCompile(`^` + regexp.QuoteMeta(me.Username) + `( +dev-)`),
	}
}

func absolute(t *testing.T, path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// shell is the one of a prompt.
func (p *players) shell(prompt string) *shell {
	p.t.Helper()
	if s := p.shells[prompt]; s != nil {
		return s
	}
	name := prompt
	if name == "" {
		name = "dev"
	}
	s := &shell{shown: "/home/" + name, status: 0}
	// As long as what it stands for, so that tables keep their columns.
	s.home = shortFolder(p.t, len(s.shown))
	s.dir = filepath.Join(p.dir, "commands-"+name)
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	env := append(slices.Clone(p.env), "HOME="+s.home)
	s.process = exec.Command("bash", "--noprofile", "--norc")
	s.process.Env, s.process.Dir = env, s.home
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	s.pipe, s.out = r, bufio.NewReader(r)
	s.process.Stdout, s.process.Stderr = w, w
	if s.in, err = s.process.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		p.t.Fatal(err)
	}
	_ = w.Close()
	// Not (exit N): a process that is forked inherits descriptors, and closes them.
	if _, err := io.WriteString(s.in, "__status() { return $1; }\n"); err != nil {
		p.t.Fatal(err)
	}
	p.shells[prompt] = s
	p.t.Cleanup(func() {
		if err := sandbox.CleanUp(filepath.Join(p.program, "artifacts-tui"), s.home, env, filepath.Join(s.home, ".local/state")); err != nil {
			p.t.Error(err)
		}
		// The shell and what it left in the background, by its process group.
		_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
		_ = s.process.Wait()
		_ = r.Close()
		if err := os.RemoveAll(s.home); err != nil {
			p.t.Error(err)
		}
	})
	return s
}

// shortFolder makes an empty folder whose path has a given length.
func shortFolder(t *testing.T, length int) string {
	t.Helper()
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	for range 1000 {
		name := []byte("/tmp/")
		for len(name) < length {
			name = append(name, letters[rand.IntN(len(letters))])
		}
		err := os.Mkdir(string(name), 0o755)
		if err == nil {
			return string(name)
		}
		if !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	t.Fatal("no free folder in /tmp")
	return ""
}

// run has the shell run a command and returns what it printed.
func (s *shell) run(command string) (lines []string, err error) {
	s.count++
	file := filepath.Join(s.dir, strconv.Itoa(s.count))
	if err := os.WriteFile(file, []byte(command+"\n"), 0o644); err != nil {
		return nil, err
	}
	end := fmt.Sprintf("\x01end of command %d: ", s.count)
	// The status of the command before is there for $?.
	if _, err := fmt.Fprintf(s.in, "__status %d; . '%s' < /dev/null; printf '\\n%s%%d\\n' $?\n", s.status, file, end); err != nil {
		return nil, err
	}
	if err := s.pipe.SetReadDeadline(time.Now().Add(commandLimit)); err != nil {
		return nil, err
	}
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("after %q: %w", text.String()+line, err)
		}
		if status, ok := strings.CutPrefix(line, end); ok {
			s.status, err = strconv.Atoi(strings.TrimSpace(status))
			if err != nil {
				return nil, err
			}
			break
		}
		text.WriteString(line)
	}
	printed := strings.TrimSuffix(text.String(), "\n") // the one before the end
	if printed = strings.TrimSuffix(printed, "\n"); printed == "" {
		return nil, nil
	}
	return strings.Split(printed, "\n"), nil
}

var (
	address = regexp.MustCompile(`\b127\.0\.0\.1:\d+\b`)
	// What an embedded coordinator listens on unless it is taken, which this test sees to.
	usual = config.DefaultListen
)

// actual has a text of the page with the addresses that answer and the homes that are there.
func (p *players) actual(text string, s *shell) string {
	p.t.Helper()
	for _, a := range address.FindAllString(text, -1) {
		if slices.ContainsFunc(p.shown, func(s string) bool { return strings.HasSuffix(s, a) }) {
			continue
		}
		taken := ""
		if a == usual {
			taken = p.embedded(s)
		}
		if taken == "" {
			taken = freePort(p.t)
		}
		p.shown, p.real = append(p.shown, a), append(p.real, taken)
	}
	var pairs []string
	for i := range p.shown {
		pairs = append(pairs, p.shown[i], p.real[i])
	}
	for _, s := range p.shells {
		pairs = append(pairs, s.shown, s.home)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// embedded is the address of the coordinator that runs in a home; empty where none does.
func (p *players) embedded(s *shell) string {
	socket := filepath.Join(s.home, ".local/state/tonbo/artifacts/coordinator.sock")
	if _, err := os.Stat(socket); err != nil {
		return ""
	}
	c := exec.Command(filepath.Join(p.program, "artifacts-tui"), "coordinator", "status")
	c.Env = append(slices.Clone(p.env), "HOME="+s.home)
	out, err := c.Output()
	if err != nil {
		p.t.Fatal(err)
	}
	return address.FindString(string(out))
}

// asShown has what was printed with the page's addresses and folders.
func (p *players) asShown(lines []string) []string {
	var pairs []string
	for i := range p.real {
		pairs = append(pairs, p.real[i], p.shown[i])
	}
	for _, s := range p.shells {
		pairs = append(pairs, s.home, s.shown)
	}
	pairs = append(pairs, p.program, "/usr/local/bin")
	known := strings.NewReplacer(pairs...)
	shown := make([]string, len(lines))
	for i, line := range lines {
		line = p.peer.ReplaceAllString(known.Replace(line), "${1}dev$2")
		line = p.peerName.ReplaceAllString(line, "dev$1")
		// An address that the page has nothing for is the embedded coordinator's.
		shown[i] = address.ReplaceAllStringFunc(line, func(a string) string {
			if slices.ContainsFunc(p.shown, func(s string) bool { return strings.HasSuffix(s, a) }) || slices.Contains(p.shown, usual) {
				return a
			}
			p.shown, p.real = append(p.shown, usual), append(p.real, a)
			return usual
		})
	}
	return shown
}

// freePort is an address of four digits, as pages have it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		a := fmt.Sprintf("127.0.0.1:%d", 2000+rand.IntN(8000))
		l, err := net.Listen("tcp", a)
		if err == nil {
			_ = l.Close()
			return a
		}
	}
	t.Fatal("no free port")
	return ""
}

// s3 starts the server of a comment <!-- s3 URL REGION ACCESS SECRET BUCKET... -->.
func (p *players) s3(args []string) error {
	if len(args) < 5 {
		return errors.New("usage: s3 URL REGION ACCESS SECRET BUCKET...")
	}
	server, err := sandbox.StartS3(filepath.Join(p.dir, "s3-"+strconv.Itoa(len(p.shown))), args[1], args[2], args[3], args[4:]...)
	if err != nil {
		return err
	}
	p.t.Cleanup(server.Stop)
	_, host, _ := strings.Cut(args[0], "://")
	p.shown = append(p.shown, args[0], host)
	p.real = append(p.real, server.Endpoint, strings.TrimPrefix(server.Endpoint, "http://"))
	return nil
}

// play runs the blocks of a page. With update, it returns the page's lines with what was printed.
func (p *players) play(page page, update bool) []string {
	t := p.t
	lines := slices.Clone(page.lines)
	moved := 0 // how many lines were added so far
	for _, name := range page.prompts() {
		p.shell(name) // a command of one user may name the home of another
	}
	for _, b := range page.blocks {
		if !b.runs() {
			continue
		}
		at := fmt.Sprintf("%s:%d", page.path, b.line)
		if file, ok := b.says["file"]; ok {
			s := p.shell("")
			text := p.actual(strings.Join(b.body, "\n")+"\n", s)
			p.must(at, s, "cat > '"+file+"' <<'__END_OF_FILE__'\n"+text+"__END_OF_FILE__")
			continue
		}
		switch b.language {
		case "s3":
			if err := p.s3(strings.Fields(b.says["args"])); err != nil {
				t.Fatalf("%s: %v", at, err)
			}
		case "run", "sh":
			s := p.shell("")
			p.must(at, s, p.actual(b.says["args"]+strings.Join(b.body, "\n"), s))
		case "console":
			steps, err := b.steps()
			if err != nil {
				t.Fatalf("%s: %v", page.path, err)
			}
			for _, step := range steps {
				got := p.step(page.path, b, step, update)
				lines = slices.Replace(lines, step.first+moved, step.first+moved+len(step.want), got...)
				moved += len(got) - len(step.want)
			}
		}
	}
	return lines
}

// must runs commands that the reader does not see the output of.
func (p *players) must(at string, s *shell, command string) {
	p.t.Helper()
	if printed, err := s.run(command); err != nil || s.status != 0 {
		p.t.Fatalf("%s: exit code %d, %v\n%s", at, s.status, err, strings.Join(p.asShown(printed), "\n"))
	}
}

// step runs a command of a console block, compares what it prints and returns the lines that
// the page should have.
func (p *players) step(path string, b block, step step, update bool) []string {
	t := p.t
	at := fmt.Sprintf("%s:%d: $ %s", path, step.line, step.command)
	var varies *regexp.Regexp
	if b.has("varies") {
		var err error
		if varies, err = regexp.Compile(b.says["varies"]); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
	}
	s := p.shell(step.prompt)
	command := p.actual(step.command, s)
	began := time.Now()
	defer func() {
		if took := time.Since(began); took > time.Second {
			t.Logf("%s took %s", at, took.Round(time.Millisecond))
		}
	}()
	limit := waitLimit
	if update {
		limit = 5 * time.Second
	}
	var got []string
	for deadline := time.Now().Add(limit); ; {
		printed, err := s.run(command)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		got = p.asShown(printed)
		if !b.has("wait") || matches(step.want, got, varies) || time.Now().After(deadline) {
			break
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
	if !matches(step.want, got, varies) {
		if !update {
			t.Errorf("%s\nthe page says\n%s\nit printed\n%s", at, indented(step.want), indented(got))
		}
		return merged(step.want, got, varies)
	}
	if failed, shown := s.status != 0, b.has("fails") || showsError(step.want); failed != shown {
		t.Errorf("%s: exit code %d", at, s.status)
	}
	return step.want
}

// showsError reports whether a command tells that it failed.
func showsError(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "Error: ") || strings.HasPrefix(line, `  "code": "`) || strings.HasPrefix(line, "An error occurred") || strings.HasPrefix(line, "fatal error: ") ||
			strings.HasPrefix(line, "upload failed: ")
	})
}

func indented(lines []string) string {
	if len(lines) == 0 {
		return "  (nothing)"
	}
	return "  " + strings.Join(lines, "\n  ")
}
