//go:build linux

package doctest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/alone"
	"github.com/artifacts-tui/artifacts-tui/internal/program"
)

// commandLimit bounds a command; it is far more than any takes.
const commandLimit = 2 * time.Minute

// waitLimit bounds how long a block with `wait` may take to become what the page says.
const waitLimit = time.Minute

// machine runs one page: its own processes, mounts and network, with a shell for each of its
// users. Nothing of it outlives the page, and nothing leaves it.
type machine struct {
	t      *testing.T
	built  string // folder of the program
	dir    string // for what is no user's
	users  map[string]*user
	shown  []string // URLs in the page that an S3 server here stands in for
	stands []string // its addresses
}

// user is one bash, somebody at home.
type user struct {
	home   string // what HOME is
	shown  string // what the page has for it
	in     *os.File
	pipe   *os.File
	out    *bufio.Reader
	dir    string // for the command files
	count  int
	status int // of the last command
}

// start makes the machine of a page. It ends with the test.
func start(t *testing.T, built string, page page) *machine {
	t.Helper()
	m := &machine{t: t, built: built, dir: t.TempDir(), users: map[string]*user{}}
	goEnv, err := program.GoEnv()
	if err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	// The first process waits for the end of its input. When it ends, so do all others.
	script := "ip link set lo up || exit\n"
	var theirs []*os.File
	for _, prompt := range page.prompts() {
		u := m.move(prompt, &theirs)
		in, out := len(theirs)+1, len(theirs)+2 // file descriptors: theirs begin at 3
		script += fmt.Sprintf("(exec <&%d >&%d 2>&1 3<&- 4<&- 5<&- 6<&-; cd %s && HOME=%s exec bash --noprofile --norc) &\n", in, out, u.home, u.home)
	}
	first := alone.Command(context.Background(), "sh", "-c", script+"exec 3<&- 4<&- 5<&- 6<&-; cat > /dev/null")
	first.Env = append([]string{
		"PATH=" + built + ":" + program.ToolDirs() + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LANG=C.UTF-8", "TZ=UTC", "TERM=dumb",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "PYTHONDONTWRITEBYTECODE=1", "GIT_CONFIG_GLOBAL=/dev/null", "GOPROXY=off",
		"REPOSITORY=" + repository, "UNSHARE=" + namespaces(),
	}, goEnv...)
	first.ExtraFiles = theirs
	first.Stderr = os.Stderr
	end, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	t.Cleanup(func() {
		_ = end.Close()
		if err := first.Wait(); err != nil && !t.Failed() {
			t.Errorf("the machine of the page: %v", err)
		}
		for _, u := range m.users {
			_ = u.in.Close()
			_ = u.pipe.Close()
			if err := os.RemoveAll(u.home); err != nil {
				t.Error(err)
			}
		}
	})
	return m
}

// namespaces are unshare(1)'s words for a machine of its own: processes that end with the first
// one, and a network without a way out. Mounts are alone's own business.
func namespaces() string {
	words := "--pid --fork --kill-child --mount-proc --net"
	if os.Geteuid() != 0 {
		words += " --user --map-root-user"
	}
	return words
}

// move gives a user a home and pipes; theirs gets the ends of the shell.
func (m *machine) move(prompt string, theirs *[]*os.File) *user {
	m.t.Helper()
	name := prompt
	if name == "" {
		name = "dev"
	}
	u := &user{shown: "/home/" + name, dir: filepath.Join(m.dir, "commands-"+name)}
	// As long as what it stands for, so that tables keep their columns.
	u.home = shortFolder(m.t, len(u.shown))
	if err := os.Mkdir(u.dir, 0o755); err != nil {
		m.t.Fatal(err)
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	u.in, u.pipe, u.out = in, out, bufio.NewReader(out)
	// Not (exit N): a process that is forked inherits descriptors, and closes them.
	if _, err := io.WriteString(u.in, "__status() { return $1; }\n"); err != nil {
		m.t.Fatal(err)
	}
	*theirs = append(*theirs, theirIn, theirOut)
	m.users[prompt] = u
	return u
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
func (u *user) run(command string) (lines []string, err error) {
	u.count++
	file := filepath.Join(u.dir, strconv.Itoa(u.count))
	if err := os.WriteFile(file, []byte(command+"\n"), 0o644); err != nil {
		return nil, err
	}
	end := fmt.Sprintf("\x01end of command %d: ", u.count)
	// The status of the command before is there for $?.
	if _, err := fmt.Fprintf(u.in, "__status %d; . '%s' < /dev/null; printf '\\n%s%%d\\n' $?\n", u.status, file, end); err != nil {
		return nil, err
	}
	if err := u.pipe.SetReadDeadline(time.Now().Add(commandLimit)); err != nil {
		return nil, err
	}
	var text strings.Builder
	for {
		line, err := u.out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("after %q: %w", text.String()+line, err)
		}
		if status, ok := strings.CutPrefix(line, end); ok {
			u.status, err = strconv.Atoi(strings.TrimSpace(status))
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

// actual has a text of the page with the homes and servers that are there.
func (m *machine) actual(text string) string {
	var pairs []string
	for i := range m.shown {
		pairs = append(pairs, m.shown[i], m.stands[i])
	}
	for _, u := range m.users {
		pairs = append(pairs, u.shown, u.home)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Who runs a page is root of its machine, and dev in the pages.
var (
	peerID   = regexp.MustCompile(`(^|[ "])root(-[0-9a-f]{6}\b)`)
	peerName = regexp.MustCompile(`^root( +dev-)`)
)

// asShown is the inverse of actual.
func (m *machine) asShown(lines []string) []string {
	var pairs []string
	for i := range m.shown {
		pairs = append(pairs, m.stands[i], m.shown[i])
	}
	for _, u := range m.users {
		pairs = append(pairs, u.home, u.shown)
	}
	known := strings.NewReplacer(append(pairs, m.built, "/usr/local/bin")...)
	shown := make([]string, len(lines))
	for i, line := range lines {
		line = peerID.ReplaceAllString(known.Replace(line), "${1}dev$2")
		shown[i] = peerName.ReplaceAllString(line, "dev$1")
	}
	return shown
}

// s3 starts the server of a comment <!-- s3 URL REGION ACCESS SECRET BUCKET... -->. One at
// 127.0.0.1 is there; for any other URL it stands in.
func (m *machine) s3(at string, args []string) {
	if len(args) < 5 {
		m.t.Fatalf("%s: s3 URL REGION ACCESS SECRET BUCKET...", at)
	}
	url, region, access, secret, buckets := args[0], args[1], args[2], args[3], args[4:]
	address, here := strings.CutPrefix(url, "http://127.0.0.1:")
	if !here {
		address = strconv.Itoa(20000 + len(m.shown))
		m.shown, m.stands = append(m.shown, url), append(m.stands, "http://127.0.0.1:"+address)
	}
	folder := filepath.Join(m.dir, "s3-"+address)
	m.must(at, fmt.Sprintf(`
		mkdir -p %[1]s-iam && for bucket in %[2]s; do mkdir -p %[1]s/$bucket; done
		ROOT_ACCESS_KEY='%[3]s' ROOT_SECRET_KEY='%[4]s' versitygw --port 127.0.0.1:%[5]s --region %[6]s --iam-dir %[1]s-iam posix %[1]s > %[1]s.log 2>&1 &
		until (exec 3<> /dev/tcp/127.0.0.1/%[5]s) 2> /dev/null; do sleep 0.05; done`,
		folder, strings.Join(buckets, " "), access, secret, address, region))
}

// play runs the blocks of a page. With update, it returns the page's lines with what was printed.
func (m *machine) play(page page, update bool) []string {
	lines := slices.Clone(page.lines)
	moved := 0 // how many lines were added so far
	for _, b := range page.blocks {
		if !b.runs() {
			continue
		}
		at := fmt.Sprintf("%s:%d", page.path, b.line)
		text := strings.Join(b.body, "\n")
		if file, ok := b.says["file"]; ok {
			m.must(at, "cat > '"+file+"' <<'__END_OF_FILE__'\n"+m.actual(text)+"\n__END_OF_FILE__")
			continue
		}
		switch b.language {
		case "s3":
			m.s3(at, strings.Fields(b.says["args"]))
		case "run", "sh":
			m.must(at, m.actual(b.says["args"]+text))
		case "console":
			steps, err := b.steps()
			if err != nil {
				m.t.Fatalf("%s: %v", page.path, err)
			}
			for _, step := range steps {
				got := m.step(page.path, b, step, update)
				lines = slices.Replace(lines, step.first+moved, step.first+moved+len(step.want), got...)
				moved += len(got) - len(step.want)
			}
		}
	}
	return lines
}

// must runs commands that the reader does not see the output of.
func (m *machine) must(at, command string) {
	m.t.Helper()
	u := m.users[""]
	if printed, err := u.run(command); err != nil || u.status != 0 {
		m.t.Fatalf("%s: exit code %d, %v\n%s", at, u.status, err, strings.Join(m.asShown(printed), "\n"))
	}
}

// step runs a command of a console block, compares what it prints and returns the lines that
// the page should have.
func (m *machine) step(path string, b block, step step, update bool) []string {
	t := m.t
	at := fmt.Sprintf("%s:%d: $ %s", path, step.line, step.command)
	var varies *regexp.Regexp
	if b.has("varies") {
		var err error
		if varies, err = regexp.Compile(b.says["varies"]); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
	}
	limit := waitLimit
	if update {
		limit = 5 * time.Second
	}
	u := m.users[step.prompt]
	var got []string
	for deadline := time.Now().Add(limit); ; {
		printed, err := u.run(m.actual(step.command))
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		got = m.asShown(printed)
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
	if failed, shown := u.status != 0, b.has("fails") || showsError(step.want); failed != shown {
		t.Errorf("%s: exit code %d", at, u.status)
	}
	return step.want
}

// showsError reports whether a command tells that it failed.
func showsError(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		for _, begin := range []string{"Error: ", `  "code": "`, "An error occurred", "fatal error: ", "upload failed: "} {
			if strings.HasPrefix(line, begin) {
				return true
			}
		}
		return false
	})
}

func indented(lines []string) string {
	if len(lines) == 0 {
		return "  (nothing)"
	}
	return "  " + strings.Join(lines, "\n  ")
}
