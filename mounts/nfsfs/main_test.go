package nfsfs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/willscott/go-nfs-client/nfs"
	"github.com/willscott/go-nfs-client/nfs/rpc"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts/lower"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

const bucket = "work"

// TestMain runs the child of TestKill9 where it is asked to.
func TestMain(m *testing.M) {
	rpc.DefaultReadTimeout = time.Minute // a busy machine is no lost answer
	if os.Getenv(childVar) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// layers is what a mount process has between its kernel and a store.
type layers struct {
	Endpoint, Key, Secret string // of the store
	Dir                   string
	ReadOnly, Slow        bool  // Slow: uploads begin after an hour
	Room                  int64 // bytes that staged files may take; 0: the disk's
	Boot                  string

	client *remote.Client
	lower  *lower.Lower
	up     *upper.FS
}

func (l *layers) connect() (err error) {
	l.client, err = remote.New(remote.Options{
		Endpoint: l.Endpoint, Bucket: bucket, Timeout: time.Second,
		Keys: remote.NewKeys(keyring.Credentials{AccessKeyID: l.Key, SecretAccessKey: keyring.NewSecret(l.Secret)}),
	})
	return err
}

func (l *layers) open() (err error) {
	if err := l.connect(); err != nil {
		return err
	}
	if l.lower, err = lower.New(lower.Options{Source: l.client, CacheDir: filepath.Join(l.Dir, "cache"), ID: "0123456789abcdef"}); err != nil {
		return err
	}
	opt := upper.Options{
		Dir: filepath.Join(l.Dir, "staging"), Lower: l.lower, Remote: l.client, ReadOnly: l.ReadOnly,
		WriteBack: -1, DirTTL: time.Hour, StoreTimeout: time.Second, StagingMax: l.Room, BootID: l.Boot, NoAttributes: true, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}
	if l.Slow {
		opt.WriteBack = time.Hour
	}
	l.up, err = upper.Open(opt)
	return err
}

func (l *layers) close() error {
	defer l.client.Close()
	return errors.Join(l.up.Close(), l.lower.Close())
}

func (l *layers) serve() (*Server, error) {
	return Serve(l.up, Options{
		ReadOnly: l.ReadOnly, Log: slog.New(slog.DiscardHandler), Export: export,
		Space: func() (used, free int64, known bool) { return 1000, 5000, true },
	})
}

func export(port int, once string) string { return fmt.Sprintf("/test/%d/%s", port, once) }

// world is a served workspace over a store.
type world struct {
	*layers
	t      *testing.T
	server *Server
}

// newStore is a world that is not served yet.
func newStore(t *testing.T) *world {
	t.Helper()
	store := s3test.Start(t)
	store.CreateBucket(t, bucket)
	return &world{t: t, layers: &layers{Endpoint: store.Endpoint(), Key: store.AccessKey, Secret: store.Secret, Dir: t.TempDir()}}
}

func newWorld(t *testing.T, change ...func(*layers)) *world {
	t.Helper()
	w := newStore(t)
	for _, c := range change {
		c(w.layers)
	}
	w.must(w.open())
	var err error
	w.server, err = w.serve()
	w.must(err)
	t.Cleanup(func() {
		if err := errors.Join(w.server.Close(), w.close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// mount is what a client's kernel does first.
func (w *world) mount() *nfs.Target {
	w.t.Helper()
	var client *rpc.Client
	var err error
	for range 20 { // it picks a local port, which may be taken
		if client, err = rpc.DialTCP("tcp", w.server.listener.Addr().String(), false); err == nil {
			break
		}
	}
	w.must(err)
	w.t.Cleanup(client.Close)
	target, err := (&nfs.Mount{Client: client}).Mount(w.server.Export(), rpc.NewAuthUnix("test", uint32(os.Getuid()), uint32(os.Getgid())).Auth())
	w.must(err)
	return target
}

// write makes path, or opens it, and puts data at its beginning.
func (w *world) write(target *nfs.Target, path string, data []byte) {
	w.t.Helper()
	f, err := target.OpenFile(path, 0o644)
	w.must(err)
	n, err := f.Write(data)
	w.must(err)
	if n != len(data) {
		w.t.Fatalf("%s: %d of %d bytes written", path, n, len(data))
	}
	w.must(f.Close())
}

// read reads all of path in pieces as a client's kernel does.
func (w *world) read(target *nfs.Target, path string) []byte {
	w.t.Helper()
	f, err := target.Open(path)
	w.must(err)
	var all []byte
	for piece := make([]byte, 64<<10); ; {
		n, err := f.Read(piece)
		all = append(all, piece[:n]...)
		if errors.Is(err, io.EOF) {
			return all
		}
		w.must(err)
	}
}

// stored is what the store has under key once everything is there.
func (w *world) stored(key string) []byte {
	w.t.Helper()
	w.must(w.up.Drain(context.Background()))
	data, _, err := w.client.Get(context.Background(), key, 64<<20)
	w.must(err)
	return data
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// raw speaks ONC RPC by hand, for what no good client would say.
type raw struct {
	net.Conn
	t           *testing.T
	transaction uint32
	uid         uint32
	pieces      int // fragments that a call is sent in
}

func dial(t *testing.T, addr string) *raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &raw{Conn: c, t: t, uid: uint32(os.Getuid()), pieces: 1}
}

// opaque appends variable-length data.
func opaque(to []byte, data []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(data)))
	to = append(to, data...)
	return append(to, make([]byte, -len(data)&3)...)
}

func numbers(list ...uint32) (b []byte) {
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// call returns the status of the answer and what follows. An error is the connection's end.
func (r *raw) call(program, procedure uint32, arguments []byte) (uint32, []byte, error) {
	r.t.Helper()
	r.transaction++
	credential := opaque(numbers(0), []byte("test"))
	credential = append(credential, numbers(r.uid, 0, 0)...)
	request := numbers(r.transaction, 0, 2, program, version, procedure, authSys)
	request = append(opaque(request, credential), numbers(0, 0)...)
	request = append(request, arguments...)
	for i := range r.pieces {
		piece := request[len(request)*i/r.pieces : len(request)*(i+1)/r.pieces]
		head := uint32(len(piece))
		if i == r.pieces-1 {
			head |= lastFragment
		}
		if _, err := r.Write(append(numbers(head), piece...)); err != nil {
			return 0, nil, err
		}
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint32(head)&^lastFragment)
	if _, err := io.ReadFull(r, answer); err != nil {
		return 0, nil, err
	}
	if want := numbers(r.transaction, 1, 0, 0, 0, 0); !bytes.HasPrefix(answer, want) {
		return 0, nil, fmt.Errorf("an answer that begins with %x", answer[:min(24, len(answer))])
	}
	w := &words{left: answer[24:]}
	return w.word(), w.left, nil
}

// mount returns the root's handle.
func (r *raw) mount(export string) []byte {
	r.t.Helper()
	status, body, err := r.call(mountProgram, procedureMount, opaque(nil, []byte(export)))
	if err != nil || status != 0 {
		r.t.Fatalf("mount: status %d, %v", status, err)
	}
	return (&words{left: body}).opaque()
}

// lookup returns the handle of a name, and the status.
func (r *raw) lookup(dir []byte, name string) ([]byte, uint32) {
	r.t.Helper()
	status, body, err := r.call(nfsProgram, 3, opaque(opaque(nil, dir), []byte(name)))
	if err != nil {
		r.t.Fatal(err)
	}
	return (&words{left: body}).opaque(), status
}

// receive reads what a child is to do.
func (l *layers) receive(from io.Reader) error { return json.NewDecoder(from).Decode(l) }
