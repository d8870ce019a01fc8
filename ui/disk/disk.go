package disk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// Disk is the folders of one user. The zero value and nil keep and find nothing.
type Disk struct {
	Roots   xdg.Roots
	Version string // of the program, for reports
}

const (
	stateFile    = "tui.json"
	stateMax     = 1 << 20
	reportPrefix = "tui-crash-"
	reportsKept  = 5
	tailBytes    = 64 << 10
	tailLines    = 1000
)

// Load reads what Keep wrote into v; false where there is nothing that can be read.
func (d *Disk) Load(v any) bool {
	if d == nil || d.Roots.State == "" {
		return false
	}
	text, err := readSome(filepath.Join(d.Roots.State, stateFile), stateMax)
	return err == nil && json.Unmarshal(text, v) == nil
}

// Keep writes v for the next Load.
func (d *Disk) Keep(v any) error {
	if d == nil || d.Roots.State == "" {
		return nil
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := xdg.Ensure(d.Roots.State, "", nil); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(d.Roots.State, stateFile), append(text, '\n'), 0o600)
}

// Report writes a crash report, mode 0600, and returns its path. Of the reports before it the
// newest few stay.
func (d *Disk) Report(what string, lines []string, stack []byte) (string, error) {
	if d == nil || d.Roots.State == "" {
		return "", nil
	}
	if err := xdg.Ensure(d.Roots.State, "", nil); err != nil {
		return "", err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\nversion: %s\ngo:      %s %s/%s\n", what, d.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, line := range lines {
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintf(&b, "\n%s", stack)
	path := filepath.Join(d.Roots.State, reportPrefix+time.Now().UTC().Format("20060102-150405.000000")+".txt")
	if err := atomicfile.Write(path, b.Bytes(), 0o600); err != nil {
		return "", err
	}
	if old, err := filepath.Glob(filepath.Join(d.Roots.State, reportPrefix+"*")); err == nil {
		sort.Strings(old)
		for _, name := range old[:max(len(old)-reportsKept, 0)] {
			_ = os.Remove(name) // what is left over is a few kilobytes
		}
	}
	return path, nil
}

// Line is a line of a file and where it begins, in bytes.
type Line struct {
	At   int64
	Text string
}

// Tail is the end of a text file: its last 64 KiB, at most 1,000 lines, oldest first.
func Tail(path string) ([]Line, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(info.Size()-tailBytes, 0)
	text, err := io.ReadAll(io.NewSectionReader(f, from, tailBytes))
	if err != nil {
		return nil, err
	}
	if from > 0 { // the first line is cut
		cut := bytes.IndexByte(text, '\n') + 1
		text, from = text[cut:], from+int64(cut)
	}
	var lines []Line
	for _, line := range strings.SplitAfter(string(text), "\n") {
		if trimmed := strings.TrimRight(line, "\r\n"); trimmed != "" {
			lines = append(lines, Line{At: from, Text: trimmed})
		}
		from += int64(len(line))
	}
	return lines[max(len(lines)-tailLines, 0):], nil
}

// open opens a regular file and nothing else: a pipe in its place would never end.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func readSome(path string, limit int64) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return text, err
}
