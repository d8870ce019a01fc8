package upper

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const killDirVar = "UPPER_TEST_KILL_DIR"

// TestMain runs the child of TestKill9 where it is asked to.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killDirVar); dir != "" {
		killChild(dir)
	}
	os.Exit(m.Run())
}

// pattern is a content that shows where it is torn: one line, again and again.
func pattern(writer, version int) string {
	size := 1 + (version*7919)%(64<<10)
	line := fmt.Sprintf("w%d v%d\n", writer, version)
	return strings.Repeat(line, size/len(line)+1)
}

func checkPattern(data []byte) error {
	line, _, _ := strings.Cut(string(data), "\n")
	var writer, version int
	if _, err := fmt.Sscanf(line, "w%d v%d", &writer, &version); err != nil {
		return fmt.Errorf("not a closed version: %.40q", data)
	}
	if string(data) != pattern(writer, version) {
		return fmt.Errorf("torn: %d bytes that begin %q", len(data), line)
	}
	return nil
}

// killChild overwrites files without an end, each in its own way, and reports every close
// on stdout, until it is killed.
func killChild(dir string) {
	store, err := openFakeStore(filepath.Join(dir, "store"))
	if err != nil {
		panic(err)
	}
	store.before = func(string, string) error {
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		return nil
	}
	c := &client{store: store}
	f, err := Open(Options{Dir: filepath.Join(dir, "staging"), Lower: c, Remote: c, BootID: "same", WriteBack: 2 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	first, _ := strconv.Atoi(os.Getenv("UPPER_TEST_KILL_FROM"))
	for writer := range 4 {
		go func() {
			for version := first; ; version++ {
				if err := killWrite(f, writer, version); err != nil {
					panic(err)
				}
				fmt.Fprintf(os.Stdout, "%d %d\n", writer, version)
			}
		}()
	}
	select {}
}

func killWrite(f *FS, writer, version int) error {
	ctx := context.Background()
	name := fmt.Sprint("file", writer)
	data := pattern(writer, version)
	target := name
	if writer == 1 {
		target = name + ".tmp" // saves as editors do
	}
	_, h, err := f.Create(ctx, f.Root(), target, 0o644, os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return err
	}
	var reader *Handle
	if writer == 2 { // overwrites under a reader
		if reader, err = f.Open(ctx, h.Node(), os.O_RDONLY); err != nil {
			return err
		}
		defer reader.Release()
	}
	for off := 0; off < len(data); off += 16 << 10 {
		if _, err := h.WriteAt(ctx, []byte(data[off:min(off+16<<10, len(data))]), int64(off)); err != nil {
			return err
		}
	}
	if err := h.Flush(ctx); err != nil {
		return err
	}
	h.Release()
	switch {
	case writer == 1:
		return f.Rename(ctx, f.Root(), target, f.Root(), name, 0)
	case writer == 3 && version%3 == 0:
		fmt.Fprintf(os.Stdout, "unlink %d\n", writer) // from here on it may be gone
		if err := f.Unlink(ctx, f.Root(), name); err != nil {
			return err
		}
		return killWrite(f, writer, version+1e6) // and again under the same name
	}
	return nil
}

// Kill table: overwrites and a kill -9 at a random time, of a real process. Every
// close that was reported is delivered, or a later one; nothing is torn, nothing
// half-written is uploaded. SPEC C7, E11.
func TestKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for seconds")
	}
	dir := t.TempDir()
	for _, sub := range []string{"store", "staging"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	closed := map[int]int{}     // writer to the last version that was reported
	mayBeGone := map[int]bool{} // writers that were about to unlink and reported no close since
	from, closes, rounds := 1, 0, 0
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); rounds++ {
		child := exec.Command(exe)
		child.Env = append(os.Environ(), killDirVar+"="+dir, "UPPER_TEST_KILL_FROM="+strconv.Itoa(from), "GORACE=halt_on_error=1")
		var stderr strings.Builder
		child.Stderr = &stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(20*time.Millisecond+time.Duration(rand.IntN(300))*time.Millisecond, func() { _ = child.Process.Kill() })
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var writer, version int
			if _, err := fmt.Sscanf(lines.Text(), "unlink %d", &writer); err == nil {
				mayBeGone[writer] = true
				continue
			}
			if _, err := fmt.Sscanf(lines.Text(), "%d %d", &writer, &version); err != nil {
				continue // cut by the kill
			}
			closed[writer], mayBeGone[writer] = version, false
			from = max(from, version+1)
			closes++
		}
		_, _ = io.Copy(io.Discard, out)
		err = child.Wait()
		timer.Stop()
		if s, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() {
			t.Fatalf("the child ended by itself: %v\n%s", err, stderr.String())
		}
		if rounds%3 == 2 {
			killCheck(t, dir, closed, mayBeGone)
		}
	}
	killCheck(t, dir, closed, mayBeGone)
	t.Logf("%d kills, %d closes", rounds, closes)
	if closes < 20 {
		t.Errorf("only %d closes in %d rounds", closes, rounds)
	}
}

// killCheck drains what a killed child left and compares.
func killCheck(t *testing.T, dir string, closed map[int]int, mayBeGone map[int]bool) {
	t.Helper()
	store, err := openFakeStore(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	c := &client{store: store}
	f, err := Open(Options{Dir: filepath.Join(dir, "staging"), Lower: c, Remote: c, BootID: "same"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := f.Drain(ctx); err != nil {
		t.Fatalf("drain: %v, %+v", err, f.Stats())
	}
	files := store.files()
	for name, data := range files {
		if err := checkPattern([]byte(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for writer, version := range closed {
		data, ok := files[fmt.Sprint("file", writer)]
		if !ok {
			if !mayBeGone[writer] {
				t.Errorf("file%d is lost; version %d was closed", writer, version)
			}
			continue
		}
		var w, v int
		if _, err := fmt.Sscanf(data, "w%d v%d", &w, &v); err != nil {
			t.Errorf("file%d is torn: %v", writer, err)
		}
		if v %= 1e6; w != writer || v < version%1e6 {
			t.Errorf("file%d has version %d; %d was closed", writer, v, version)
		}
	}
}
