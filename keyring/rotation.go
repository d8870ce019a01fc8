package keyring

import (
	"errors"
	"os"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// former keeps, during a rotation, what the cache held before: the same file under another
// name, empty where there was nothing.
func (c Cache) former() Cache { return Cache{Path: c.Path + ".former", Warn: c.Warn} }

// Rotate replaces the pair and keeps the former one beside it, until FinishRotation or
// UndoRotation. While it does, another Rotate is a fault of kind Conflict. Region and store
// are those of e.
func (c Cache) Rotate(e Entry) error {
	unlock, err := lockBeside(c.Path)
	if err != nil {
		return err
	}
	defer unlock()
	switch _, err := os.Lstat(c.former().Path); {
	case err == nil:
		return fault.New(fault.Conflict, "end it with `artifacts storage rotate --finish`, or go back with `--undo`", "the last rotation has not ended")
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	text, err := readPrivate(c.Path, c.Warn)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := writePrivate(c.former().Path, text); err != nil {
		return err
	}
	if err := c.write(e); err != nil {
		_ = os.Remove(c.former().Path)
		return err
	}
	return nil
}

// Rotating reports whether a rotation has not ended, and the fingerprint of the pair that
// was there before; empty where there was none.
func (c Cache) Rotating() (formerFingerprint string, rotating bool) {
	e, err := c.former().Stat()
	return e.Fingerprint, err == nil
}

// FinishRotation forgets the former pair. Without a rotation it does nothing.
func (c Cache) FinishRotation() error {
	if _, err := os.Lstat(c.former().Path); errors.Is(err, os.ErrNotExist) {
		return nil // there may be no folder for a lock either
	}
	unlock, err := lockBeside(c.Path)
	if err != nil {
		return err
	}
	defer unlock()
	return c.former().clear(c)
}

// UndoRotation brings the former pair back. Without a rotation it is a fault of kind NotFound.
func (c Cache) UndoRotation() error {
	nothing := fault.New(fault.NotFound, "", "there is no rotation to undo")
	if _, err := os.Lstat(c.former().Path); errors.Is(err, os.ErrNotExist) {
		return nothing // there may be no folder for a lock either
	}
	unlock, err := lockBeside(c.Path)
	if err != nil {
		return err
	}
	defer unlock()
	text, err := readPrivate(c.former().Path, c.Warn)
	if errors.Is(err, ErrNotFound) {
		return nothing
	}
	if err != nil {
		return err
	}
	now, _ := c.Stat()
	if text == "" {
		err = os.Remove(c.Path)
	} else {
		err = writePrivate(c.Path, text)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	c.drop(now.item, c.former())
	return os.Remove(c.former().Path)
}
