package documents

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// maxSize bounds a document, in bytes.
const maxSize = 8 << 20 // usage.json has a hundred bytes a workspace

// format is the version of the envelope.
const format = 1

// formerPrefix has, below it, the version of each document before the present one.
const formerPrefix = "former/"

// statePrefix has, below it, what coordinators agree by. It is no control state.
const statePrefix = "state/"

// State is the key of what is no document: see store.PutState.
func State(name string) string { return statePrefix + name }

// envelope is a document as it is stored. Data comes last, so that a person who reads one
// sees what it is first.
type envelope struct {
	Format  int             `json:"format"`
	Version uint64          `json:"version"` // 1 for the first, one more with each write
	Written time.Time       `json:"written"`
	SHA256  string          `json:"sha256"` // hex, of Data as it stands here
	Data    json.RawMessage `json:"data"`
}

// Bucket is the documents of a store's system bucket. Its methods may be called side by
// side. Write and Remove fail with ErrChanged, and change nothing, where a document is not
// any more what was last read or written through this Bucket: another coordinator was there.
type Bucket struct {
	store *store.Store
	log   *slog.Logger
	now   func() time.Time

	mu     sync.Mutex
	damage map[string]string // by key: what was found wrong with the present version
	seen   map[string]string // by key: the ETag of the present version, empty where there was none
}

// ErrChanged is what Write and Remove wrap.
var ErrChanged = errors.New("the document was changed by another coordinator")

// Open makes the system bucket where it is missing.
func Open(ctx context.Context, s *store.Store, log *slog.Logger) (*Bucket, error) {
	err := s.CreateBucket(ctx, store.SystemBucket, store.CreateBucketOptions{Owner: "coordinator"})
	if err != nil && !errors.Is(err, store.ErrBucketAlreadyExists) {
		return nil, err
	}
	return &Bucket{store: s, log: log, now: time.Now, damage: map[string]string{}, seen: map[string]string{}}, nil
}

// ErrDamaged is what Read wraps where neither a document nor its former version is whole.
var ErrDamaged = errors.New("the document is damaged, and so is its former version")

// Read decodes a document. Where its present version is damaged the former one is read,
// with a warning in the log and in Damage; where both are it fails with ErrDamaged.
// A document that does not exist is store.ErrNoSuchKey.
func (b *Bucket) Read(ctx context.Context, key string, into any) error {
	e, _, err := b.whole(ctx, key, true)
	if err != nil {
		return err
	}
	return json.Unmarshal(e.Data, into)
}

// whole finds the version of a document that there is to go by, the former one where older is
// true; believed: the caller goes by it from now on.
func (b *Bucket) whole(ctx context.Context, key string, believed bool) (e envelope, older bool, err error) {
	present, etag, err := b.load(ctx, key)
	missing := errors.Is(err, store.ErrNoSuchKey)
	if etag == "" && !missing {
		return envelope{}, false, err
	}
	if believed {
		b.saw(key, etag)
	}
	if err == nil {
		if believed {
			b.sound(key)
		}
		return present, false, nil
	}
	former, formerETag, formerErr := b.load(ctx, formerPrefix+key)
	switch noFormer := errors.Is(formerErr, store.ErrNoSuchKey); {
	case missing && noFormer:
		return envelope{}, false, err
	case formerErr != nil && formerETag == "" && !noFormer:
		return envelope{}, false, formerErr
	case formerErr != nil:
		b.found(key, "lost: "+err.Error())
		b.log.Error("a document of the system bucket is damaged and has no former version that is whole", "document", key, "error", err)
		return envelope{}, false, fmt.Errorf("%s: %w", key, ErrDamaged)
	}
	b.found(key, fmt.Sprintf("version %d is used: %v", former.Version, err))
	b.log.Warn("a document of the system bucket is damaged; its former version is used", "document", key, "version", former.Version, "error", err)
	return former, true, nil
}

// Write replaces a document. Its present version, where it is whole, becomes the former
// one first, so that at every moment one of the two is.
func (b *Bucket) Write(ctx context.Context, key string, record any) error {
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	e := envelope{Format: format, Version: 1, Written: b.now().UTC().Truncate(time.Millisecond), SHA256: sum(data), Data: data}
	old, etag, oldErr := b.load(ctx, key)
	if etag == "" && !errors.Is(oldErr, store.ErrNoSuchKey) {
		return oldErr
	}
	if err := b.unchanged(key, etag); err != nil {
		return err
	}
	switch {
	case oldErr == nil:
		e.Version = old.Version + 1
		if _, err := b.put(ctx, formerPrefix+key, old, store.PutOptions{}); err != nil {
			return err
		}
	case etag != "":
		if former, _, err := b.load(ctx, formerPrefix+key); err == nil {
			e.Version = former.Version + 2
		}
	}
	if etag, err = b.put(ctx, key, e, store.PutOptions{IfMatch: etag, IfNoneMatch: etag == ""}); err != nil {
		return b.changed(key, err)
	}
	b.saw(key, etag)
	b.sound(key)
	return nil
}

// Remove ends a document and its former version: that one goes first, as it would stand in
// for the present one.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	present, err := b.store.Head(ctx, store.SystemBucket, key)
	if err != nil && !errors.Is(err, store.ErrNoSuchKey) {
		return err
	}
	if err := b.unchanged(key, present.ETag); err != nil {
		return err
	}
	if err := b.store.Delete(ctx, store.SystemBucket, formerPrefix+key); err != nil {
		return err
	}
	if present.ETag != "" {
		if err := b.store.DeleteIf(ctx, store.SystemBucket, key, store.Condition{IfMatch: present.ETag}); err != nil {
			return b.changed(key, err)
		}
	}
	b.saw(key, "")
	b.sound(key)
	return nil
}

// unchanged refuses where the present version is not the one that was seen; one that nobody
// has looked at yet is taken as it is.
func (b *Bucket) unchanged(key, etag string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if seen, ok := b.seen[key]; ok && seen != etag {
		return fmt.Errorf("%s: %w", key, ErrChanged)
	}
	return nil
}

// changed tells the store's refusal of a condition from other errors, which leave it open
// what the present version is now.
func (b *Bucket) changed(key string, err error) error {
	if errors.Is(err, store.ErrPreconditionFailed) || errors.Is(err, store.ErrNoSuchKey) {
		return fmt.Errorf("%s: %w", key, ErrChanged)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.seen, key)
	return err
}

func (b *Bucket) saw(key, etag string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[key] = etag
}

func (b *Bucket) sound(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.damage, key)
}

// Keys lists the documents that begin with prefix, in order. One of which only the former
// version is left is among them.
func (b *Bucket) Keys(ctx context.Context, prefix string) ([]string, error) {
	keys, err := b.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	former, err := b.list(ctx, formerPrefix+prefix)
	if err != nil {
		return nil, err
	}
	for _, k := range former {
		keys = append(keys, strings.TrimPrefix(k, formerPrefix))
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return strings.HasPrefix(k, formerPrefix) || strings.HasPrefix(k, statePrefix) })
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// Damage is what Read found wrong, by document. It is empty where all is well.
func (b *Bucket) Damage() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := make(map[string]string, len(b.damage))
	for k, v := range b.damage {
		found[k] = v
	}
	return found
}

// Raw is a document as it is stored, after its checksum was verified. Where the present
// version is damaged it is the former one, older is true, and log and Damage say so as of a
// Read. What Write compares with stays what was read.
func (b *Bucket) Raw(ctx context.Context, key string) (raw []byte, older bool, err error) {
	e, older, err := b.whole(ctx, key, false)
	if err != nil {
		return nil, older, err
	}
	raw, err = json.Marshal(e)
	return raw, older, err
}

// Restore writes a document that Raw returned.
func (b *Bucket) Restore(ctx context.Context, key string, raw []byte) error {
	e, err := parse(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	etag, err := b.put(ctx, key, e, store.PutOptions{})
	if err == nil {
		b.saw(key, etag)
	}
	return err
}

// Valid reports whether raw is a document whose checksum is right.
func Valid(raw []byte) error {
	_, err := parse(raw)
	return err
}

// Version is that of a document; 0: it is none.
func Version(raw []byte) uint64 {
	e, _ := parse(raw)
	return e.Version
}

// Data decodes what a document says, after its checksum was verified.
func Data(raw []byte, into any) error {
	e, err := parse(raw)
	if err != nil {
		return err
	}
	return json.Unmarshal(e.Data, into)
}

// Former reports whether a key of the system bucket is a former version, and of what.
func Former(key string) (document string, ok bool) {
	return strings.CutPrefix(key, formerPrefix)
}

func (b *Bucket) found(key, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.damage[key] = what
}

func (b *Bucket) list(ctx context.Context, prefix string) (keys []string, err error) {
	o := store.ListOptions{Prefix: prefix}
	for {
		page, err := b.store.List(ctx, store.SystemBucket, o)
		if err != nil {
			return nil, err
		}
		for _, obj := range page.Objects {
			keys = append(keys, obj.Key)
		}
		if !page.Truncated {
			return keys, nil
		}
		o.StartAfter = page.Next
	}
}

// load reads a document. Where it is there and damaged, the error comes with its ETag; where
// it cannot be read now, without one.
func (b *Bucket) load(ctx context.Context, key string) (e envelope, etag string, err error) {
	r, err := b.store.Get(ctx, store.SystemBucket, key)
	if damaged(err) {
		present, headErr := b.store.Head(ctx, store.SystemBucket, key)
		if headErr != nil {
			return envelope{}, "", headErr
		}
		return envelope{}, present.ETag, err
	}
	if err != nil {
		return envelope{}, "", err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxSize))
	switch {
	case damaged(err):
		return envelope{}, r.Info.ETag, err
	case err != nil:
		return envelope{}, "", err
	}
	e, err = parse(raw)
	return e, r.Info.ETag, err
}

// damaged reports whether the store has the object, and not its bytes. Any other error may be
// over with the next try, and no reason to believe an older version.
func damaged(err error) bool {
	return errors.Is(err, store.ErrDamaged) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EIO)
}

// parse verifies an envelope. Its errors never repeat what was read: that may be a secret.
func parse(raw []byte) (envelope, error) {
	var e envelope
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	switch err := d.Decode(&e); {
	case err != nil:
		return envelope{}, errors.New("it is not a document")
	case e.Format != format:
		return envelope{}, fmt.Errorf("it has format %d, this program knows %d", e.Format, format)
	case e.SHA256 != sum(e.Data):
		return envelope{}, errors.New("its checksum is wrong")
	}
	return e, nil
}

func (b *Bucket) put(ctx context.Context, key string, e envelope, o store.PutOptions) (etag string, err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	if len(body) > maxSize {
		return "", fmt.Errorf("document %s has %d bytes, and %d at most are kept", key, len(body), maxSize)
	}
	o.Size, o.ContentType = int64(len(body)), "application/json"
	made, err := b.store.Put(ctx, store.SystemBucket, key, bytes.NewReader(body), o)
	return made.ETag, err
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
