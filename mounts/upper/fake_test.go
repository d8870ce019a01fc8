package upper

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// fakeObject is what the fake store has under one key.
type fakeObject struct {
	Data []byte
	ETag string
	Time time.Time
	Meta PutMeta
}

// fakeStore models S3: strong consistency, MD5 ETags, conditional copies and reads. With
// dir it lives in files, so that processes can share it.
type fakeStore struct {
	mu      sync.Mutex
	objects map[string]fakeObject
	dir     string
	puts    int
	bytes   int64 // put
	copies  int
	deletes int
	lists   int
	heads   int
	reads   int
	gets    int // of sheets
	sheets  int // put
	// onPut judges every object that is put; an error fails the test.
	onPut func(key string, data []byte) error
	bad   []error
	// before is called before each request with no lock held; its error is the answer.
	before func(op, key string) error
	// after is called when a change is committed; its error is the answer all the same.
	after func(op, key string) error
	// multipart gives copies an ETag of their own.
	multipart bool
	noPatch   bool // does not copy parts
	// cached is what the read cache has of objects that are gone, by ETag.
	cached map[string]string
}

func newFakeStore() *fakeStore { return &fakeStore{objects: map[string]fakeObject{}} }

// openFakeStore loads a store that lives in dir.
func openFakeStore(dir string) (*fakeStore, error) {
	s := newFakeStore()
	s.dir = dir
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		key, err := hex.DecodeString(e.Name())
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		var o fakeObject
		if err := json.Unmarshal(b, &o); err != nil {
			return nil, err
		}
		s.objects[string(key)] = o
	}
	return s, nil
}

func (s *fakeStore) persist(key string) {
	if s.dir == "" {
		return
	}
	path := filepath.Join(s.dir, hex.EncodeToString([]byte(key)))
	o, ok := s.objects[key]
	if !ok {
		os.Remove(path)
		return
	}
	b, _ := json.Marshal(o)
	tmp := filepath.Join(s.dir, fmt.Sprintf(".%d", rand.Uint64()))
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		panic(err)
	}
}

func etagOf(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// set is another host's write.
func (s *fakeStore) set(key, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = fakeObject{Data: []byte(data), ETag: etagOf([]byte(data)), Time: time.Now()}
	s.persist(key)
}

func (s *fakeStore) unset(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
	s.persist(key)
}

func (s *fakeStore) get(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	return string(o.Data), ok
}

func isSheet(key string) bool { return strings.HasSuffix(key, SheetName) }

// files is the content of all objects but directory markers and sheets.
func (s *fakeStore) files() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for k, o := range s.objects {
		if !strings.HasSuffix(k, "/") && !isSheet(k) {
			out[k] = string(o.Data)
		}
	}
	return out
}

// keys are all keys but those of sheets, sorted.
func (s *fakeStore) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.objects))
	for k := range s.objects {
		if !isSheet(k) {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// client is one process's way to the store: it implements Lower and Remote. Once killed
// its requests fail, and what it had under way may or may not have happened.
type client struct {
	store *fakeStore
	mu    sync.Mutex
	dead  bool
	least int64 // bytes of a part but the last
	down  bool
}

func (c *client) kill() {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}

func (c *client) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

var errDown = fault.New(fault.Unreachable, "", "no answer from the store")

func (c *client) request(op, key string) error {
	c.mu.Lock()
	down := c.down || c.dead
	c.mu.Unlock()
	if down {
		return errDown
	}
	if c.store.before != nil {
		if err := c.store.before(about(op, key), key); err != nil {
			return err
		}
	}
	return nil
}

// about names a request for the functions of a test: those for sheets go by "sheet".
func about(op, key string) string {
	if isSheet(key) && op != "read" {
		return "sheet"
	}
	return op
}

// commit makes a change under the lock, unless the process died before it was sent.
func (c *client) commit(op, key string, change func() error) error {
	c.store.mu.Lock()
	c.mu.Lock()
	dead := c.dead
	c.mu.Unlock()
	err := error(errDown)
	if !dead {
		err = change()
	}
	c.store.mu.Unlock()
	if err == nil && c.store.after != nil {
		err = c.store.after(about(op, key), key)
	}
	return err
}

func (o fakeObject) object(key string) Object {
	out := Object{Key: key, Size: int64(len(o.Data)), ETag: o.ETag, ModTime: o.Time}
	if strings.HasSuffix(key, "/") {
		out.Kind = Dir
	}
	return out
}

// Put implements Remote. The body is read in two halves with time in between, as a slow
// network would: a version that changes meanwhile arrives torn.
func (c *client) Put(_ context.Context, key string, body io.ReaderAt, size int64, meta PutMeta) (Object, error) {
	if err := c.request("put", key); err != nil {
		return Object{}, err
	}
	data := make([]byte, size)
	half := size / 2
	for _, x := range [][2]int64{{0, half}, {half, size}} {
		if n, err := body.ReadAt(data[x[0]:x[1]], x[0]); int64(n) < x[1]-x[0] {
			return Object{}, fmt.Errorf("the body ends early: %w", err)
		}
		if c.store.before != nil {
			if err := c.store.before(about("half", key), key); err != nil {
				return Object{}, err
			}
		}
	}
	var o fakeObject
	err := c.commit("put", key, func() error {
		old, there := c.store.objects[key]
		switch {
		case meta.IfNoneMatch && there, meta.IfMatch != "" && there && old.ETag != meta.IfMatch:
			return fmt.Errorf("put %s: %w", key, ErrChanged)
		case meta.IfMatch != "" && !there:
			return fmt.Errorf("put %s: %w", key, ErrNoObject)
		}
		o = fakeObject{Data: data, ETag: etagOf(data), Time: time.Now(), Meta: meta}
		if c.store.onPut != nil && !strings.HasSuffix(key, "/") && !isSheet(key) {
			if err := c.store.onPut(key, data); err != nil {
				c.store.bad = append(c.store.bad, err)
			}
		}
		c.store.objects[key] = o
		if !isSheet(key) {
			c.store.puts++
			c.store.bytes += size
		} else {
			c.store.sheets++
		}
		c.store.persist(key)
		return nil
	})
	return o.object(key), err
}

// Get implements Remote.
func (c *client) Get(_ context.Context, key string, _ int64) ([]byte, string, error) {
	if err := c.request("read", key); err != nil {
		return nil, "", err
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.gets++
	o, ok := c.store.objects[key]
	if !ok {
		return nil, "", ErrNoObject
	}
	return o.Data, o.ETag, nil
}

// Patch implements Remote.
func (c *client) Patch(ctx context.Context, key string, base Object, body io.ReaderAt, parts []Part, meta PutMeta) (Object, error) {
	if err := c.request("patch", key); err != nil {
		return Object{}, err
	}
	if c.store.noPatch {
		return Object{}, ErrNoPatch
	}
	data := make([]byte, parts[len(parts)-1].End)
	sent := int64(0)
	for i, p := range parts {
		if p.End-p.Off < max(c.least, 1) && i < len(parts)-1 {
			return Object{}, fmt.Errorf("part %d of %d bytes", i+1, p.End-p.Off)
		}
		var from io.Reader = io.NewSectionReader(body, p.Off, p.End-p.Off)
		if p.Copy {
			r, err := c.ReadRange(ctx, base.Key, base.ETag, p.Off, p.End-p.Off)
			if err != nil {
				return Object{}, err
			}
			from = r
		} else {
			sent += p.End - p.Off
		}
		if _, err := io.ReadFull(from, data[p.Off:p.End]); err != nil {
			return Object{}, err
		}
	}
	obj, err := c.Put(ctx, key, bytes.NewReader(data), int64(len(data)), meta)
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.bytes += sent - int64(len(data))
	return obj, err
}

func (c *client) Delete(_ context.Context, key string) error {
	if err := c.request("delete", key); err != nil {
		return err
	}
	return c.commit("delete", key, func() error {
		delete(c.store.objects, key)
		if !isSheet(key) {
			c.store.deletes++
		}
		c.store.persist(key)
		return nil
	})
}

func (c *client) Copy(_ context.Context, src, dst, etag string) (Object, error) {
	if err := c.request("copy", src); err != nil {
		return Object{}, err
	}
	var o fakeObject
	err := c.commit("copy", src, func() error {
		var ok bool
		o, ok = c.store.objects[src]
		if !ok {
			return fmt.Errorf("copy %s: %w", src, ErrNoObject)
		}
		if etag != "" && etag != o.ETag {
			return fmt.Errorf("copy %s: %w", src, ErrChanged)
		}
		if c.store.multipart {
			o.ETag += "-1"
		}
		o.Time = time.Now()
		c.store.objects[dst] = o
		c.store.copies++
		c.store.persist(dst)
		return nil
	})
	if err != nil {
		return Object{}, err
	}
	out := o.object(dst)
	out.Size = 0 // as S3 answers
	return out, nil
}

func (c *client) Head(_ context.Context, key string) (Object, error) {
	if err := c.request("head", key); err != nil {
		return Object{}, err
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.heads++
	o, ok := c.store.objects[key]
	if !ok {
		return Object{}, ErrNoObject
	}
	obj := o.object(key)
	obj.Version = o.Meta.Version
	return obj, nil
}

func (c *client) Walk(_ context.Context, prefix string, each func(Object) error) error {
	if err := c.request("walk", prefix); err != nil {
		return err
	}
	c.store.mu.Lock()
	var found []Object
	for k, o := range c.store.objects {
		if strings.HasPrefix(k, prefix) {
			found = append(found, o.object(k))
		}
	}
	c.store.mu.Unlock()
	sort.Slice(found, func(i, j int) bool { return found[i].Key < found[j].Key })
	for _, o := range found {
		if err := each(o); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) ReadRange(_ context.Context, key, etag string, off, n int64) (io.ReadCloser, error) {
	if err := c.request("read", key); err != nil {
		return nil, err
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.reads++
	o, ok := c.store.objects[key]
	switch {
	case !ok:
		return nil, ErrNoObject
	case etag != "" && o.ETag != etag:
		return nil, ErrChanged
	case off >= int64(len(o.Data)):
		return nil, ErrChanged
	}
	return io.NopCloser(bytes.NewReader(o.Data[off:min(off+n, int64(len(o.Data)))])), nil
}

// List implements Lower.
func (c *client) List(_ context.Context, dir string) ([]Object, error) {
	if err := c.request("list", dir); err != nil {
		return nil, err
	}
	prefix := ""
	if dir != "" {
		prefix = dir + "/"
	}
	c.store.mu.Lock()
	c.store.lists++
	dirs := map[string]bool{}
	var out []Object
	for k, o := range c.store.objects {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok || rest == "" {
			continue
		}
		if name, _, deeper := strings.Cut(rest, "/"); deeper {
			dirs[prefix+name] = true
			continue
		}
		obj := o.object(k)
		if strings.HasSuffix(k, SymlinkSuffix) {
			obj.Kind = Symlink
		}
		out = append(out, obj)
	}
	c.store.mu.Unlock()
	for d := range dirs {
		out = append(out, Object{Key: d, Kind: Dir})
	}
	if c.store.before != nil {
		if err := c.store.before("listed", dir); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Open implements Lower.
func (c *client) Open(_ context.Context, o Object) (Reader, error) {
	return &fakeReader{c, o}, nil
}

// Forget implements Lower.
func (c *client) Forget(string) {}

type fakeReader struct {
	c *client
	o Object
}

// ReadAt implements io.ReaderAt.
func (r *fakeReader) ReadAt(p []byte, off int64) (int, error) {
	if data, ok := r.c.store.cached[r.o.ETag]; ok {
		return strings.NewReader(data).ReadAt(p, off)
	}
	body, err := r.c.ReadRange(context.Background(), r.o.Key, r.o.ETag, off, int64(len(p)))
	if errors.Is(err, ErrNoObject) || errors.Is(err, ErrChanged) {
		return 0, syscall.ESTALE
	}
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(body, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// Close implements io.Closer.
func (r *fakeReader) Close() error { return nil }

var errQuota = fault.New(fault.Quota, "", "the store's quota is used up")
