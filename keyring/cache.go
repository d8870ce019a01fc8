package keyring

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// FileName is the credential cache's name in the config root (S1).
const FileName = "byo-credentials"

// Store says where the secret part of a pair is kept.
type Store string

// The stores.
const (
	InFile    Store = "file"    // in the 0600 file itself
	InKeyring Store = "keyring" // in the OS keyring; the file holds the region and points there (SPEC A42)
)

// CheckStore refuses what is neither.
func CheckStore(s Store) error {
	if s == InFile || s == InKeyring {
		return nil
	}
	return fault.New(fault.Usage, "the stores are file and keyring", "unknown store %q", string(s))
}

// Cache keeps one pair: the global one of all byo workspaces of a user, or that of a
// static profile. Path is absolute. Warn, where not nil, gets one line about what was
// mended.
type Cache struct {
	Path string
	Warn func(string)
}

// NewCache is the global cache in the config root.
func NewCache(configRoot string, warn func(string)) Cache {
	return Cache{Path: filepath.Join(configRoot, FileName), Warn: warn}
}

// Entry is what a cache holds, as far as the file alone tells.
type Entry struct {
	Store       Store
	Fingerprint string // of the pair (SPEC A40)
	// Credentials are whole where Store is InFile; else only the region is known, and Load asks
	// the OS keyring for the rest.
	Credentials
	item string // in the OS keyring
}

// Stat reads the file alone. Its errors: ErrNotFound where there is none; a fault.Error
// where it is a symlink, another user's, or damaged. A mode looser than 0600 is tightened
// with a warning (SPEC A10).
func (c Cache) Stat() (Entry, error) {
	text, err := readPrivate(c.Path, c.Warn)
	if err != nil {
		return Entry{}, err
	}
	return parseEntry(c.Path, text)
}

// Load is Stat, and asks the OS keyring where the pair is there.
func (c Cache) Load() (Entry, error) {
	e, err := c.Stat()
	if err != nil || e.Store != InKeyring {
		return e, err
	}
	text, err := getItem(e.item)
	if errors.Is(err, ErrNotFound) {
		return e, fault.New(fault.Failure, "set the credentials again, or `artifacts storage clear`", "%s points to an item that the OS keyring does not have", c.Path)
	}
	if err != nil {
		return e, err
	}
	pair, err := parseEntry("the item in the OS keyring", text.Reveal())
	if err != nil {
		return e, err
	}
	e.AccessKeyID, e.SecretAccessKey, e.SessionToken = pair.AccessKeyID, pair.SecretAccessKey, pair.SessionToken
	return e, nil
}

// Save replaces what is there with cr, in the 0600 file.
func (c Cache) Save(cr Credentials) error {
	return c.Update(func(e *Entry) error { e.Credentials, e.Store = cr, InFile; return nil })
}

// Update changes the cache under a lock that other processes take too, so that
// parallel changes each see the last one (SPEC E4). change gets the zero value with Store
// InFile where there is nothing; where it returns an error all stays as it was.
// It may give Store another value. An OS keyring that does not answer matters
// only where change leaves the pair to it.
func (c Cache) Update(change func(*Entry) error) error {
	unlock, err := lockBeside(c.Path)
	if err != nil {
		return err
	}
	defer unlock()
	return c.update(change)
}

func (c Cache) update(change func(*Entry) error) error {
	e, unknown := c.Load()
	former := e
	if errors.Is(unknown, ErrNotFound) {
		e, unknown = Entry{Store: InFile}, nil
	}
	if unknown != nil && e.Store != InKeyring { // the file itself is not to be trusted
		return unknown
	}
	if err := change(&e); err != nil {
		return err
	}
	if unknown != nil && !e.Complete() {
		return unknown
	}
	if err := c.write(e); err != nil {
		return err
	}
	c.drop(former.item, c.former())
	return nil
}

// write puts e in the file, or in an item of the OS keyring under a new name and then the
// pointer to it in the file: a reader always finds a whole pair.
func (c Cache) write(e Entry) error {
	if err := e.Validate(); err != nil {
		return fault.Wrap(fault.Usage, err, "credentials are one line each", "credentials refused")
	}
	text := formatPair(e.Credentials)
	if e.Store == InKeyring {
		e.item = filepath.Base(c.Path) + "-" + strings.ToLower(rand.Text()[:12])
		if err := setItem(e.item, NewSecret(text)); err != nil {
			return err
		}
		text = formatPointer(e)
	}
	if err := writePrivate(c.Path, text); err != nil {
		c.drop(e.item, c)
		return err
	}
	return nil
}

// drop removes an item that nothing points to any more. other may: what a rotation that was
// cut off has left beside the cache, or the cache itself, can name the same one.
func (c Cache) drop(item string, other Cache) {
	if item == "" || other.pointsTo(item) {
		return
	}
	if err := deleteItem(item); err != nil {
		c.warn("an item named %s stays in the OS keyring: %v", item, err)
	}
}

func (c Cache) pointsTo(item string) bool {
	e, err := c.Stat()
	return err == nil && e.item == item
}

// Clear removes the file and its item in the OS keyring, and what a rotation keeps beside it. It is
// idempotent (SPEC A30). A file that cannot be read is removed all the same; one whose item
// cannot be stays, so that the item is not forgotten.
func (c Cache) Clear() error {
	if _, err := os.Lstat(filepath.Dir(c.Path)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := lockBeside(c.Path)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.former().clear(c); err != nil {
		return err
	}
	return c.clear(c.former())
}

// clear is Clear of one file; other is the one that may name the same item.
func (c Cache) clear(other Cache) error {
	if e, err := c.Stat(); err == nil && e.item != "" && !other.pointsTo(e.item) {
		if err := deleteItem(e.item); err != nil {
			return err
		}
	}
	if err := os.Remove(c.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (c Cache) warn(format string, args ...any) {
	if c.Warn != nil {
		c.Warn(fmt.Sprintf(format, args...))
	}
}
