package nfsfs

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// childVar asks the test's own program to serve what it reads from its input.
const childVar = "NFSFS_TEST_CHILD"

var putMeta = upper.PutMeta{ModTime: time.Unix(1700000000, 0)}

// child serves until it is killed, or nobody holds its input any more.
func child() error {
	var l layers
	if err := l.receive(os.Stdin); err != nil {
		return err
	}
	if err := l.open(); err != nil {
		return err
	}
	s, err := l.serve()
	if err != nil {
		return err
	}
	if _, err := fmt.Println(s.Export()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// answered is what a server was asked for, and answered, before it was killed.
type answered struct {
	files map[string][]byte
	gone  []string
}

// killed has a server of its own process do a bit of everything, and kills it. What it
// staged is w's then.
func killed(w *world) answered {
	t := w.t
	t.Helper()
	a := answered{files: map[string][]byte{}}
	w.Slow, w.Boot = true, "one"
	exe, err := os.Executable()
	w.must(err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childVar+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	w.must(err)
	out, err := cmd.StdoutPipe()
	w.must(err)
	w.must(cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	w.must(json.NewEncoder(in).Encode(w.layers))
	var name string
	_, err = fmt.Fscanln(out, &name)
	w.must(err)
	var port int
	var once string
	if _, err := fmt.Sscanf(name, "/test/%d/%s", &port, &once); err != nil {
		t.Fatal(err)
	}
	r := dial(t, fmt.Sprintf("127.0.0.1:%d", port))
	root := r.mount(name)
	ok := func(procedure uint32, arguments []byte) []byte {
		t.Helper()
		status, body, err := r.call(nfsProgram, procedure, arguments)
		if err != nil || status != 0 {
			t.Fatalf("procedure %d: status %d, %v", procedure, status, err)
		}
		return body
	}
	create := func(name string) []byte {
		body := ok(8, append(opaque(opaque(nil, root), []byte(name)), numbers(0, 0, 0, 0, 0, 0, 0)...))
		p := &words{left: body}
		p.word() // a handle follows
		return p.opaque()
	}
	write := func(handle []byte, off uint64, data []byte) {
		arguments := binary.BigEndian.AppendUint64(opaque(nil, handle), off)
		ok(7, opaque(append(arguments, numbers(uint32(len(data)), 0)...), data)) // UNSTABLE
	}
	before := create("before")
	write(before, 0, []byte("renamed"))
	ok(14, opaque(opaque(opaque(opaque(nil, root), []byte("before")), root), []byte("after")))
	a.files["after"] = []byte("renamed")
	write(create("gone"), 0, []byte("removed"))
	ok(12, opaque(opaque(nil, root), []byte("gone")))
	a.gone = []string{"before", "gone"}
	cut := create("cut")
	write(cut, 0, []byte("short and long"))
	ok(2, append(opaque(nil, cut), numbers(0, 0, 0, 1, 0, 5, 0, 0, 0)...)) // to 5 bytes
	a.files["cut"] = []byte("short")
	patched := create("patched")
	write(patched, 0, bytes.Repeat([]byte("old "), 1000))
	write(patched, 100, []byte("new "))
	a.files["patched"] = bytes.Repeat([]byte("old "), 1000)
	copy(a.files["patched"][100:], "new ")
	pieces := noise(200 << 10)
	long := create("in order")
	for off := 0; off < len(pieces); off += 50 << 10 {
		write(long, uint64(off), pieces[off:off+50<<10])
	}
	a.files["in order"] = pieces
	w.must(cmd.Process.Kill())
	_ = cmd.Wait()
	w.must(w.connect())
	defer w.client.Close()
	if objects, err := w.client.ListDir(context.Background(), ""); err != nil || len(objects) != 0 {
		t.Fatalf("uploaded before the kill: %v, %v", objects, err)
	}
	w.Slow = false
	return a
}

// What a WRITE, a SETATTR, a RENAME or a REMOVE was answered for is there after kill -9,
// with nothing of it in the store before. SPEC C7, E11
func TestKill9(t *testing.T) {
	w := newStore(t)
	a := killed(w)
	w.must(w.open())
	defer func() { w.must(w.close()) }()
	w.must(w.up.Drain(context.Background()))
	if s := w.up.Stats(); s.Quarantined != 0 || s.Failed != 0 {
		t.Errorf("after the kill: %+v", s)
	}
	for name, data := range a.files {
		if got, _, err := w.client.Get(context.Background(), name, 1<<20); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes instead of %d, %v", name, len(got), len(data), err)
		}
	}
	for _, name := range a.gone {
		if _, err := w.client.Head(context.Background(), name); !errors.Is(err, upper.ErrNoObject) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

// The answer to a WRITE says that it is on stable storage, so that a client's fsync(2) asks
// no more: what recovery believes after a loss of power has it. SPEC C7
func TestPowerLoss(t *testing.T) {
	w := newStore(t)
	a := killed(w)
	w.Boot = "two"
	w.must(w.open())
	defer func() { w.must(w.close()) }()
	w.must(w.up.Drain(context.Background()))
	for _, name := range []string{"cut", "patched", "in order"} {
		if got, _, err := w.client.Get(context.Background(), name, 1<<20); err != nil || !bytes.Equal(got, a.files[name]) {
			t.Errorf("%s: %d bytes instead of %d, %v", name, len(got), len(a.files[name]), err)
		}
	}
}
